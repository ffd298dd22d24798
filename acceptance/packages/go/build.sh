#!/usr/bin/env bash
# Builds the program into the folder $1, with the Go package as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(cd "$here/../../../clients/go" && pwd)
out=$1
rm -rf "$out/source"
mkdir -p "$out/source"
cp "$here"/*.go "$package/go.sum" "$out/source"
cd "$out/source"
go mod init caller
go mod edit -require millpond.dev/client@v0.1.0 -replace "millpond.dev/client=$package"
go mod tidy
go build -o "$out/run" .
