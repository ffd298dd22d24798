# The service as callers in other languages find it, on the release build's demo.
# shellcheck shell=bash
set -euo pipefail
cargo build --release --locked --quiet --package millpond
python3 .ci/interop/run.py target/release/millpond
