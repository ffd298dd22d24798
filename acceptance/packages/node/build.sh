#!/usr/bin/env bash
# Builds the program into the folder $1, with the Node package as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1
"$here/../../../clients/node/build.sh" "$out"
caller=$out/caller
rm -rf "$caller"
mkdir -p "$caller"
cd "$caller"
cp "$here/caller.js" .
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund "$out"/millpond-client-0.1.0.tgz
printf '#!/bin/sh\nexec node "%s/caller.js" "$@"\n' "$caller" >"$out/run"
chmod +x "$out/run"
