#!/usr/bin/env bash
# Builds the Kafka Streams peer into the folder $1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1
rm -rf "$out"
mkdir -p "$out/temporary"
cp -r "$here/pom.xml" "$here/src" "$out"
mvn --quiet --batch-mode -Dstyle.color=never --file "$out/pom.xml" compile
# Temporary files stay in the folder: the peer is killed, and does not remove them.
cat >"$out/run" <<EOF
#!/bin/sh
exec java -Djava.io.tmpdir="$out/temporary" -Dorg.slf4j.simpleLogger.defaultLogLevel=error \\
    -cp "$out/target/classes:$out/target/dependency/*" millpond.Peer "\$@"
EOF
chmod +x "$out/run"
