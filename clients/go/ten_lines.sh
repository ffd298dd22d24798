#!/usr/bin/env bash
# Builds and runs the ten lines of the README: ten_lines.sh SCRATCH FILE. The file has them. MILLPOND_ENDPOINT
# names the service.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
file=$(realpath "$2")
mkdir -p "$1"
cd "$1"

rm -rf ten_lines
mkdir ten_lines
cd ten_lines
cp "$file" main.go
cp "$here/go.sum" .
go mod init ten-lines
go mod edit -require millpond.dev/client@v0.1.0 -replace "millpond.dev/client=$here"
go mod tidy
go run .
