# The documentation: every link in it leads somewhere.
# shellcheck shell=bash
set -euo pipefail
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
