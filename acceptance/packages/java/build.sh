#!/usr/bin/env bash
# Builds the program into the folder $1, with the Java package as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1
package=$out/package
rm -rf "$package" "$out/classes"
mvn --quiet --batch-mode -Dstyle.color=never -Dmaven.test.skip=true \
    --file "$here/../../../clients/java/pom.xml" "-Dout=$package" package
libraries="$package/millpond-client-0.1.0.jar:$package/dependency/*"
javac -cp "$libraries" -d "$out/classes" "$here/Caller.java"
printf '#!/bin/sh\nexec java -cp "%s:%s" Caller "$@"\n' "$out/classes" "$libraries" >"$out/run"
chmod +x "$out/run"
