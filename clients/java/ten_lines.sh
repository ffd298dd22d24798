#!/usr/bin/env bash
# Runs the file $2, the ten lines of README.md, with the package that test.sh has built in the folder $1.
set -euo pipefail
cp "$2" "$1/TenLines.java"
java -cp "$1/millpond-client-0.1.0.jar:$1/dependency/*" "$1/TenLines.java"
