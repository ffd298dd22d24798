#!/usr/bin/env bash
# Checks and tests the package: test.sh SCRATCH. All that is built goes to the folder SCRATCH.
# MILLPOND_TEST_ENDPOINT and the variables beside it name a service to test with: see service_test.go.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$here"

rm -rf "$scratch/stubs"
./generate.sh "$scratch" "$scratch/stubs"
diff -r millpondv1 "$scratch/stubs" || { echo "the stubs are out of date: run generate.sh"; exit 1; }
unformatted=$(gofmt -l .)
[[ -z $unformatted ]] || { echo "gofmt would change: $unformatted"; exit 1; }
go vet ./...
go test -count=1 -timeout 20m -v .
