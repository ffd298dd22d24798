#!/usr/bin/env bash
# Builds the Java caller into the folder $1, with stubs from proto/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
proto=$(cd "$here/../../../proto" && pwd)
out=$1
rm -rf "$out"
mkdir -p "$out"
cp -r "$here/pom.xml" "$here/src" "$out"
mvn --quiet --batch-mode -Dstyle.color=never --file "$out/pom.xml" "-Dproto=$proto" package
printf '#!/bin/sh\nexec java -cp "%s/target/classes:%s/target/dependency/*" millpond.Caller "$@"\n' \
    "$out" "$out" >"$out/run"
chmod +x "$out/run"
