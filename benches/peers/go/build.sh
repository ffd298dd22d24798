#!/usr/bin/env bash
# Builds the Go peer into the folder $1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
go build -buildvcs=false -o "$1/run" .
