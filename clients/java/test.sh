#!/usr/bin/env bash
# Builds the package in the folder $1, and tests it there against the service that the environment names:
# see src/test/java/com/millpond/client/Service.java.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
mvn --batch-mode --no-transfer-progress -Dstyle.color=never --file "$here/pom.xml" "-Dout=$out" verify
