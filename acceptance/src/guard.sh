# shellcheck shell=sh
# Keeps a node's folder and process from outliving their owner, however the owner ends.
#
# Makes the folder and prints its name. Then each line of stdin is the process that runs from
# now on, the first of its process group; an empty line means none. The owner holds the other end
# and never writes to close it: when stdin ends, the owner is gone, even if it was killed or leaves
# the node in a static.
folder=$(mktemp -d "${TMPDIR:-/tmp}/millpond-kafka.XXXXXX") || exit 1
echo "$folder"

node=
while read -r process; do node=$process; done

# The group, since the process may have started others.
[ -z "$node" ] || kill -s KILL -- "-$node" 2>/dev/null
# The process may write until its last thread is gone: then a second removal finds the rest.
for _ in 1 2 3 4 5; do
  rm -rf "$folder" && break
  sleep 1
done
