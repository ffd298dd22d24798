# The lints of Cargo.toml and clippy.toml. A stale Cargo.lock fails here too.
# shellcheck shell=bash
set -euo pipefail
cargo clippy --workspace --all-targets --locked -- -D warnings
