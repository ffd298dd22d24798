#!/usr/bin/env bash
# Runs the file $2, the ten lines of README.md, with the package that test.sh has built in the folder $1.
set -euo pipefail
cp "$2" "$1/caller/ten_lines.js"
node "$1/caller/ten_lines.js"
