#!/usr/bin/env bash
# Runs the ten lines of the README: ten_lines.sh SCRATCH FILE. The file has them. MILLPOND_ENDPOINT names the
# service.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/install.sh" "$1/venv"
"$1/venv/bin/python" "$2"
