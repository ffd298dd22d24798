# Calls the release build's demo from other languages.
# shellcheck shell=bash
set -euo pipefail
cargo build --release --locked --quiet --bin millpond
python3 .ci/interop/run.py target/release/millpond
