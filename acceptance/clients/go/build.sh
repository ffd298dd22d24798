#!/usr/bin/env bash
# Builds the Go caller into the folder $1, with stubs from proto/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
proto=$here/../../../proto
out=$1
export GOBIN=$out/bin PATH=$out/bin:$PATH

mkdir -p "$out/source"
cp "$here"/*.go "$here/go.mod" "$out/source"
cd "$out/source"
go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
"$here/../protoc.sh" "$out/../protoc" "-I$proto" \
    --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative \
    millpond/v1/entry.proto millpond/v1/lookup.proto
go mod tidy
go build -o "$out/run" .
