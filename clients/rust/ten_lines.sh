#!/usr/bin/env bash
# Builds and runs the ten lines of the README: ten_lines.sh SCRATCH FILE. The file has them. MILLPOND_ENDPOINT
# names the service.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
file=$(realpath "$2")
mkdir -p "$1"
cd "$1"

rm -rf ten_lines
mkdir -p ten_lines/src
cp "$file" ten_lines/src/main.rs
# The versions that the workspace is tested with.
cp "$here/../../Cargo.lock" ten_lines
cat >ten_lines/Cargo.toml <<END
[package]
name = "ten-lines"
edition = "2024"

[dependencies]
millpond-client = { path = "$here" }
tokio = { version = "1", features = ["macros", "rt"] }

# SCRATCH may be within another workspace, of which this is no member.
[workspace]
END
# The `cargo run` that this may be within sets these, and ring is built anew whenever they change.
unset "${!CARGO_MANIFEST_@}" "${!CARGO_PKG_@}"
cargo run --manifest-path ten_lines/Cargo.toml --target-dir target
