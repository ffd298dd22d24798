#!/usr/bin/env bash
# Builds the Python caller into the folder $1, with stubs from proto/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
proto=$here/../../../proto
out=$1
mkdir -p "$out"
"$here/../protoc.sh" "$out/../protoc" "-I$proto" "--python_out=$out" "--grpc_python_out=$out" \
    millpond/v1/entry.proto millpond/v1/errors.proto millpond/v1/lookup.proto
cp "$here"/*.py "$out"
printf '#!/bin/sh\nexec "%s/../protoc/bin/python" "%s/caller.py" "$@"\n' "$out" "$out" >"$out/run"
chmod +x "$out/run"
