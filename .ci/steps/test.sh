# The tests, by README.md's command. A test whose requirements are missing fails here instead of
# being skipped.
# shellcheck shell=bash
set -euo pipefail
source .ci/readme.sh
command=$(readme_command "cargo test")
echo "README.md: $command"
read -ra words <<<"$command"
MILLPOND_REQUIRE_ALL=1 "${words[@]}"
