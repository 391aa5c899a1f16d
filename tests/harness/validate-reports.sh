#!/bin/bash
# validate-reports.sh PATH: checks report files with every validator there is for them.
# PATH is a directory that holds any of results.sarif, gl-sast-report.json, gl-code-quality-report.json and junit.xml
# (itself or in directories below it), or a portcullis binary, which then reports on a small repository made here.
# One line a check, the last line `N passed, N failed`; exit 1 if any failed or nothing was checked. Needs HARNESS, see setup.sh.
set -u
[ $# = 1 ] || { echo "usage: validate-reports.sh DIRECTORY-or-BINARY" >&2; exit 2; }
H=${HARNESS:?set HARNESS to the directory that setup.sh filled}
HERE=$(cd "$(dirname "$0")" && pwd); S=$HERE/schemas
passed=0; failed=0
check() { # check NAME FILE COMMAND...
  local name=$1 file=$2 said; shift 2
  if said=$("$@" 2>&1); then passed=$((passed + 1)); echo "ok   $name  $file"
  else failed=$((failed + 1)); echo "FAIL $name  $file"; printf '%s\n' "$said" | head -20 | sed 's/^/       /'; fi
}
unique() { # no two values of a jq path are equal
  jq -e "[$2] | length == (unique | length)" "$1"
}
made() { # a repository with one change, and all its reports
  local dir=$1 binary=$2
  git init -q -b main "$dir/repo" && cd "$dir/repo" || return 1
  git config user.email gate@example.com; git config user.name gate
  mkdir app; printf 'import subprocess\n' > app/job.py; git add .; git commit -qm base
  git checkout -qb change
  printf 'import subprocess\n\n\ndef run(name):\n    subprocess.run("tar cf " + name, shell=True)\n    return eval(name)\n' > app/job.py
  printf 'from flask import Flask, request\n\nfrom .job import run\n\napp = Flask(__name__)\n\n\n@app.route("/run")\ndef page():\n    return run(request.args["name"])\n' > app/views.py
  git add .; git commit -qam change
  "$binary" check --base main --output sarif=../results.sarif --output gitlab-sast=../gl-sast-report.json \
    --output gitlab-code-quality=../gl-code-quality-report.json --output junit=../junit.xml >/dev/null
  [ $? -le 3 ]
}

target=$1
if [ -f "$target" ] && [ -x "$target" ]; then
  target=$(mktemp -d); trap 'rm -rf "$target"' EXIT
  binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
  check "portcullis writes all reports" "$1" made "$target" "$binary"
fi
[ -d "$target" ] || { echo "$target is neither a directory nor a program" >&2; exit 2; }
while IFS= read -r file; do
  shown=${file#"$target"/}
  case $(basename "$file") in
    results.sarif)
      check "SARIF schema, GitHub rules and limits" "$shown" "$HERE/sarif-check.sh" "$file" ;;
    gl-sast-report.json)
      check "GitLab SAST schema" "$shown" "$H/py/bin/check-jsonschema" --schemafile "$S/gl-sast.json" "$file"
      check "GitLab SAST ids are unique" "$shown" unique "$file" '.vulnerabilities[].id' ;;
    gl-code-quality-report.json)
      check "GitLab Code Quality schema" "$shown" "$H/py/bin/check-jsonschema" --schemafile "$S/gl-codequality.json" "$file"
      check "GitLab Code Quality fingerprints are unique" "$shown" unique "$file" '.[].fingerprint' ;;
    junit.xml)
      check "JUnit schema of Jenkins" "$shown" xmllint --noout --nonet --schema "$S/junit-10.xsd" "$file"
      check "JUnit schema of Windy Road" "$shown" xmllint --noout --nonet --schema "$S/JUnit-windyroad.xsd" "$file" ;;
  esac
done < <(find "$target" -type f -not -path '*/.git/*' | LC_ALL=C sort)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
