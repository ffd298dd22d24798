# The demo, by README.md's command. It must end by itself with success.
# shellcheck shell=bash
set -euo pipefail
source .ci/readme.sh
command=$(readme_command "cargo run --release -- demo")
echo "README.md: $command"
read -ra words <<<"$command"
[[ $command == *" --for "* ]] || words+=(--for 10s)
"${words[@]}"
