#!/usr/bin/env bash
# Builds the package into the folder $1, and tests it there against the service that the environment names
# (MILLPOND_TEST_ENDPOINT and those beside it in test/support.js).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
"$here/build.sh" "$out"
caller=$out/caller
rm -rf "$caller"
mkdir -p "$caller"
cd "$caller"
cp -r "$here/test" .
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund "$out"/millpond-client-0.1.0.tgz @types/node@20.19.43
"$out/package/node_modules/.bin/tsc" --noEmit --strict --module nodenext --target es2022 --types node test/types.ts
node --test --test-concurrency=1 test/*.test.js
