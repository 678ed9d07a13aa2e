#!/bin/sh
# Makes pages from made-up results and tests them in a browser: browser_test.sh WRITE_PAGE
set -eu
write_page=$1
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for variant in full sparse older hostile empty; do
  node "$here/sample_results.mjs" $variant > "$folder/$variant.json"
  "$write_page" "$folder/$variant.json" "$folder/$variant.html"
done
node "$here/browser_test.mjs" "$folder"/*.html
