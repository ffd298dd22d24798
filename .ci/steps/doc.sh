# The API documentation: every link must lead somewhere.
# shellcheck shell=bash
set -euo pipefail
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
