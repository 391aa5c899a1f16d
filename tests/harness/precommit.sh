#!/bin/bash
# precommit.sh BINARY: pushes through PyPI's pre-commit with the `portcullis-system` hook of this repository, in a network
# namespace without any interface.
# precommit.sh --rust: the same with the `portcullis` hook, which pre-commit builds first, from the last commit of this
# repository. CARGO_TARGET_DIR shortens that; with CARGO_NET_OFFLINE=true it, too, takes only what cargo has fetched.
# $HARNESS is the folder where pre-commit is kept; it is installed there if absent.
# Prints one line a step; exits 1 where one does not end as it should.
set -u
[ $# = 1 ] && { [ "$1" = --rust ] || [ -x "$1" ]; } || { echo "usage: precommit.sh BINARY | --rust" >&2; exit 2; }
hook=portcullis-system binary=
if [ "$1" = --rust ]; then hook=portcullis; else binary=$(realpath "$1"); fi
root=$(realpath "$(dirname "$0")/../..")
hooks=$root/.pre-commit-hooks.yaml
harness=${HARNESS:?set HARNESS to the folder that keeps the tools}
tool=$harness/py/bin/pre-commit
if ! [ -x "$tool" ]; then
  mkdir -p "$harness" && harness=$(cd "$harness" && pwd) && tool=$harness/py/bin/pre-commit
  { [ -x "$harness/py/bin/pip" ] || python3 -m venv "$harness/py"; } && "$harness/py/bin/pip" install -q pre-commit || exit 2
fi

space=$(mktemp -d "${TMPDIR:-/tmp}/precommit.XXXXXX")
trap 'rm -rf "$space"' EXIT
for name in $(compgen -e | grep -E '^(GITHUB_|GITLAB_|CI$|CI_|PRE_COMMIT|PORTCULLIS_|GIT_)'); do unset "$name"; done
export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export HOME=$space/home PRE_COMMIT_HOME=$space/cache GIT_CONFIG_GLOBAL=$space/gitconfig GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
mkdir -p "$HOME" "$space/bin"
if [ -n "$binary" ]; then ln -s "$binary" "$space/bin/portcullis"; elif command -v portcullis >/dev/null; then
  echo "precommit.sh: there is a portcullis on PATH; the hook's own could not be told from it" >&2; exit 2
fi
export PATH=$space/bin:$PATH
unshare -n true 2>/dev/null || { echo "precommit.sh: unshare -n is not allowed here" >&2; exit 2; }

failed=0
# step NAME WANTED COMMAND..: WANTED is `ok` or `refused`.
step() {
  local name=$1 wanted=$2 got=ok
  shift 2
  local begin=$SECONDS
  "$@" >"$space/log" 2>&1 || got=refused
  if [ "$got" = "$wanted" ]; then echo "ok    $name: $got ($((SECONDS - begin)) s)"; else
    echo "FAIL  $name: $got, wanted $wanted"; sed 's/^/      /' "$space/log"; failed=1
  fi
}
# said TEXT: the last step has said it.
said() { if ! grep -qF -- "$1" "$space/log"; then echo "FAIL  it does not say: $1"; sed 's/^/      /' "$space/log"; failed=1; fi; }
offline() { unshare -n "$@"; }
bad() { printf 'import os\n\n\ndef %s(name):\n    os.system("ls " + name)\n' "$1" >"$1.py"; }

step "manifest is valid" ok "$tool" validate-manifest "$hooks"

# pre-commit takes hooks from a repository: for the system hook from one that holds the manifest and nothing to build.
source=$root
if [ "$hook" = portcullis-system ]; then
  source=$space/manifest
  git init -q -b main "$source" && cp "$hooks" "$source/"
  git -C "$source" add -A && git -C "$source" commit -qm manifest
fi
git init -q --bare -b main "$space/remote.git"
git init -q -b main "$space/work" && cd "$space/work" || exit 2
git remote add origin ../remote.git
echo '# read me' >README.md && git add -A && git commit -qm first && git push -q origin main
cat >.pre-commit-config.yaml <<C
default_install_hook_types: [pre-push]
repos:
  - repo: $source
    rev: $(git -C "$source" rev-parse HEAD)
    hooks: [{id: $hook, verbose: true}]
C
git add -A && git commit -qm configure
step "install" ok "$tool" install
step "environments" ok "$tool" install-hooks
if [ "$hook" = portcullis ]; then
  step "the program is in the hook's environment" ok compgen -G "$PRE_COMMIT_HOME/repo*/rustenv-*/bin/portcullis"
fi

echo 'def add(a, b): return a + b' >good.py && git add -A && git commit -qm good
step "good push to the branch" ok offline git push -q origin main
git checkout -q -b topic && bad one && git add -A && git commit -qm bad
step "bad push of a new branch" refused offline git push -q origin topic
said python-os-system-non-constant
step "nothing arrived" refused git --git-dir="$space/remote.git" rev-parse --verify --quiet topic
step "bad push with PORTCULLIS_SKIP" ok offline env PORTCULLIS_SKIP=1 git push -q origin topic
step "deletion" ok offline git push -q origin :topic
git checkout -q main && git init -q --bare -b main "$space/empty.git" && git remote add other ../empty.git
step "whole history to an empty remote" refused offline git push -q other main
said "no base commit found"
exit $failed
