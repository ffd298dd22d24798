# The layout of the Rust source, as rustfmt.toml has it.
# shellcheck shell=bash
set -euo pipefail
cargo fmt --all --check
