# The format of the Rust source, by rustfmt.toml.
# shellcheck shell=bash
set -euo pipefail
cargo fmt --all --check
