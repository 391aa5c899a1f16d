#!/usr/bin/env bash
# Builds Portcullis and shows what it does: a change with nine planted weaknesses is blocked, the same change repaired
# passes. Exits 0 if both verdicts are as they should be. Works on a temporary repository and leaves nothing behind.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
changes=$root/examples/changes

(cd "$root" && cargo build --release --locked)
portcullis=${CARGO_TARGET_DIR:-$root/target}/release/portcullis
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shop=$work/shop

# Only what stands here decides: no variables of a CI job, no settings of the user's git.
for name in $(compgen -e | grep -E '^(CI|CI_.*|GITHUB_.*|GITLAB_.*|PRE_COMMIT_.*|PORTCULLIS_.*|GIT_.*)$' || true); do
  unset "$name"
done
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=Demo GIT_AUTHOR_EMAIL=demo@example.com GIT_COMMITTER_NAME=Demo GIT_COMMITTER_EMAIL=demo@example.com

# copy STATE puts the services into the repository as they are before the change, planted or repaired.
copy() {
  for language in python typescript rust; do
    mkdir -p "$shop/$language"
    cp "$changes/$language/$1"/* "$shop/$language/"
  done
}

git init --quiet --initial-branch=main "$shop"
copy before
cp "$changes/portcullis.yml" "$shop/"
git -C "$shop" add --all
git -C "$shop" commit --quiet --message "The shop as it is"
for state in planted repaired; do
  git -C "$shop" checkout --quiet -b "$state" main
  copy "$state"
  git -C "$shop" commit --quiet --all --message "Search, print and export ($state)"
done

# check STATE EXIT prints the verdict on a branch and compares the exit status.
failures=0
complain() {
  printf 'not as it should be: %s\n' "$1" >&2
  failures=$((failures + 1))
}
check() {
  printf '\n==== portcullis check --base main --head %s\n\n' "$1"
  local status=0
  "$portcullis" check -C "$shop" --base main --head "$1" \
    --output human="$work/$1.txt" --output json="$work/$1.json" || status=$?
  cat "$work/$1.txt"
  printf '\nexit %d\n' "$status"
  [ "$status" -eq "$2" ] || complain "exit $status on the $1 change, expected $2"
}
check planted 1
check repaired 0

# Each planted line must be named with its class, why it is dangerous and what to do instead; nothing else may block.
# expect LANGUAGE FILE TEXT CWE looks for the finding on the line that holds TEXT.
names=0
expect() {
  local line block
  line=$(grep -n -F -e "$3" "$changes/$1/planted/$2" | head -n 1 | cut -d : -f 1) || true
  block=$(awk -v path="\"path\": \"$1/$2\"," -v line="\"start_line\": $line," '
    /^    \{$/ { block = ""; here = there = 0 }
    { block = block $0 "\n"; if (index($0, path)) here = 1; if (index($0, line)) there = 1 }
    /^    \},?$/ { if (here && there) printf "%s", block }' "$work/planted.json")
  names=$((names + 1))
  [ -n "$block" ] || complain "$1/$2 has no finding on its line with: $3"
  for part in "\"$4\"" '"disposition": "blocks"' '"why": "[^"]' '"fix": "[^"]'; do
    [ -z "$block" ] || grep -q -E -e "$part" <<<"$block" || complain "$1/$2:$line is not reported with $part"
  done
}
expect python orders.py 'WHERE customer = ' CWE-89
expect python orders.py 'shell=True' CWE-78
expect python orders.py 'PAYMENT_API_KEY =' CWE-798
expect typescript accounts.ts 'WHERE plan = ' CWE-89
expect typescript accounts.ts 'execSync(' CWE-78
expect typescript accounts.ts 'mailApiKey =' CWE-798
expect rust stock.rs 'WHERE name = ' CWE-89
expect rust stock.rs '.arg("-c")' CWE-78
expect rust stock.rs 'SUPPLIER_API_KEY:' CWE-798
# A report names a secret and never shows it.
for secret in 7d1f0c9ab34e5528d6107f3c 9f8Qm2LxT7vR4kZ1cW0d c41e77b0a95d4f2386e1d0b7; do
  grep -q -r -F "$secret" "$changes" || complain "the planted secrets have changed"
  ! grep -q -F "$secret" "$work/planted.txt" "$work/planted.json" || complain "a report shows a planted secret"
done
blocking=$(grep -c '"disposition": "blocks"' "$work/planted.json" || true)
[ "$blocking" -eq "$names" ] || complain "$blocking findings block the planted change, expected $names"
grep -q '"verdict": "pass"' "$work/repaired.json" || complain "the repaired change does not pass"

if [ "$failures" -gt 0 ]; then
  printf '\nThe demonstration failed: %d things are not as they should be.\n' "$failures" >&2
  exit 1
fi
printf '\nAs it should be: %d planted lines named and blocked, the repaired change passes.\n' "$names"
