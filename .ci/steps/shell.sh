# The shell scripts, by shellcheck.
# shellcheck shell=bash
set -euo pipefail
git ls-files -z --cached --others --exclude-standard '*.sh' .ci/run | xargs -0 shellcheck
