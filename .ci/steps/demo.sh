# The demo, by README.md's command: it ends by itself, and well.
# shellcheck shell=bash
set -euo pipefail
source .ci/readme.sh
command=$(readme_command "cargo run --release -- demo")
echo "README.md: $command"
read -ra words <<<"$command"
[[ $command == *" --for "* ]] || words+=(--for 10s)
"${words[@]}"
