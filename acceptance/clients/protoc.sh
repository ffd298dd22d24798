#!/usr/bin/env bash
# Runs protoc, which a Python package brings: protoc.sh FOLDER ARGUMENT... The folder is made once.
set -euo pipefail
folder=$1
shift
if [[ ! -e $folder/complete ]]; then
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet grpcio-tools==1.85.1 grpcio==1.85.1 grpcio-health-checking==1.85.1
    touch "$folder/complete"
fi
exec "$folder/bin/python" -m grpc_tools.protoc "$@"
