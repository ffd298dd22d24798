# Checks that the fuzz targets compile. They run on nightly Rust, by hand: see CONTRIBUTING.md.
# shellcheck shell=bash
set -euo pipefail
cargo check --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz
