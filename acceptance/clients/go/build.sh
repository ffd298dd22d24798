#!/usr/bin/env bash
# Builds the Go caller into the folder $1, with stubs from proto/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
proto=$here/../../../proto
out=$1
export GOBIN=$out/bin PATH=$out/bin:$PATH

rm -rf "$out/source"
mkdir -p "$out/source"
cp "$here"/*.go "$here/go.mod" "$out/source"
cd "$out/source"
go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
"$here/../protoc.sh" "$out/../protoc" "-I$proto" \
    --go_out=. --go_opt=module=millpond --go-grpc_out=. --go-grpc_opt=module=millpond \
    "$proto"/millpond/v1/*.proto
go mod tidy
go build -o "$out/run" .
