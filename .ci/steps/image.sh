# The Dockerfile: lints it, and checks that the source files that it copies are enough to build.
# Builds no image, because that needs a container engine, which not every machine has.
# shellcheck shell=bash
set -euo pipefail
hadolint deploy/Dockerfile
context=$PWD/target/ci/image-context
python3 .ci/image_context.py "$context"
# The clippy step has compiled the dependencies, so this compiles only the crates themselves.
cargo check --locked --package millpond --manifest-path "$context/Cargo.toml" --target-dir target
