#!/bin/bash
# sarif-check.sh FILE: the official 2.1.0 schema, Sarif.Multitool with SARIF's and GitHub's rules, GitHub's size limits.
# Exit 1 on any finding of level error (the multitool itself exits 0 then). Needs HARNESS, see setup.sh.
set -u
F=$1; H=${HARNESS:?set HARNESS to the directory that setup.sh filled}
HERE=$(cd "$(dirname "$0")" && pwd)
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
bad=0
"$H/py/bin/check-jsonschema" --schemafile "$HERE/schemas/sarif-2.1.0.json" "$F" || bad=1

O=$(mktemp --suffix .sarif); trap 'rm -f "$O"' EXIT
"$H/node/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool" validate "$F" \
  --rule-kind "Sarif;Ghas" -o "$O" --log ForceOverwrite >/dev/null 2>&1
results='.runs[].results[]? | {level: (.level // "warning"), rule: .ruleId, text: (.message.text // .message.id)}'
jq -r "$results | \"\(.level) \(.rule) \(.text)\"" "$O" | cut -c1-160 | head -10
# No output at all is a multitool that did not run: that is no pass.
errors=$(jq "[$results | select(.level == \"error\")] | length" "$O") || errors=none
[ "$errors" = 0 ] || { echo "multitool errors: ${errors:-none counted}"; bad=1; }

size=$(gzip -c "$F" | wc -c)
[ "$size" -le 10485760 ] || { echo "$size bytes when compressed, over 10 MB"; bad=1; }
jq -e '
  (.runs | length) <= 20
  and ([.runs[].results | length] | max // 0) <= 25000
  and ([.runs[].tool.driver.rules // [] | length] | max // 0) <= 25000
  and ([.runs[].tool.driver.rules[]?.properties.tags // [] | length] | max // 0) <= 20
  and ([.runs[].results[]?.locations // [] | length] | max // 0) <= 1000
  and ([.runs[].results[]?.codeFlows[]?.threadFlows[]?.locations | length] | max // 0) <= 10000
' "$F" >/dev/null || { echo "over a limit of GitHub"; bad=1; }
exit $bad
