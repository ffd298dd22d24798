# Checks the shell scripts with shellcheck.
# shellcheck shell=bash
set -euo pipefail
git ls-files -z --cached --others --exclude-standard '*.sh' .ci/run | xargs -0 shellcheck
