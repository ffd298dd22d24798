#!/usr/bin/env bash
# Builds the Node caller into the folder $1. It reads the protocol from proto/ when it runs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1
rm -rf "$out"
mkdir -p "$out"
cp "$here/package.json" "$here"/*.js "$out"
cp -r "$here/../../../proto" "$out"
(cd "$out" && npm install --silent --no-audit --no-fund)
printf '#!/bin/sh\nexec node "%s/caller.js" "$@"\n' "$out" >"$out/run"
chmod +x "$out/run"
