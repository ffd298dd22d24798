#!/usr/bin/env bash
# Installs the package, as it is now, in the virtual environment FOLDER: install.sh FOLDER.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ -e $1/bin/pip ]] || python3 -m venv "$1"
"$1/bin/pip" install --quiet "$here"
# The version says nothing of what was changed since.
"$1/bin/pip" install --quiet --force-reinstall --no-deps "$here"
