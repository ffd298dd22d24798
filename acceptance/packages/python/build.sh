#!/usr/bin/env bash
# Builds the program into the folder $1, with the Python package as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1
"$here/../../../clients/python/install.sh" "$out/venv"
printf '#!/bin/sh\nexec "%s/venv/bin/python" "%s/caller.py" "$@"\n' "$out" "$here" >"$out/run"
chmod +x "$out/run"
