#!/usr/bin/env bash
# Builds the package into the folder $1, and leaves $1/millpond-client-0.1.0.tgz there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
package=$out/package
mkdir -p "$package"
rm -rf "$package/dist" "$package/src" "$package/proto" "$out"/millpond-client-*.tgz
cp -r "$here/package.json" "$here/tsconfig.json" "$here/README.md" "$here/src" "$here/proto" "$package"
cp "$here/../service-config.json" "$here/../../LICENSE" "$package"
cp -r "$here/../../proto/millpond" "$package/proto"
cd "$package"
npm install --silent --no-audit --no-fund
npm run --silent build
npm pack --silent --pack-destination "$out"
