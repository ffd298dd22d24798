#!/usr/bin/env bash
# Generates the stubs in millpondv1/ again: generate.sh SCRATCH [TARGET]. Tools are built in SCRATCH.
# TARGET is the folder for the stubs, by default millpondv1/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mkdir -p "$1" && cd "$1" && pwd)
target=${2:-$here/millpondv1}
proto=$here/../../proto
package=millpond.dev/client/millpondv1
export GOBIN=$scratch/bin PATH=$scratch/bin:$PATH

go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
mkdir -p "$target"
files=() options=("--go_opt=module=$package" "--go-grpc_opt=module=$package")
for name in entry errors lookup; do
    file=millpond/v1/$name.proto
    files+=("$file")
    options+=("--go_opt=M$file=$package" "--go-grpc_opt=M$file=$package")
done
"$here/../../acceptance/clients/protoc.sh" "$scratch/protoc" "-I$proto" \
    "--go_out=$target" "--go-grpc_out=$target" "${options[@]}" "${files[@]}"
