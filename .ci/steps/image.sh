# The Dockerfile: its lint, and that the source it copies is all that the build needs.
# No image is built: that takes an engine, which not every machine has.
# shellcheck shell=bash
set -euo pipefail
hadolint deploy/Dockerfile
context=$PWD/target/ci/image-context
python3 .ci/image_context.py "$context"
# The dependencies are those of the clippy step, so only the crates themselves are compiled.
cargo check --locked --package millpond --manifest-path "$context/Cargo.toml" --target-dir target
