#!/usr/bin/env bash
# Tests the package against services: test.sh SCRATCH. MILLPOND_TEST_ENDPOINT and the variables beside it name
# them: see tests/service/main.rs. It builds in the target folder of the workspace, and SCRATCH stays empty.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The `cargo run` that this may be within sets these, and ring is built anew whenever they change.
unset "${!CARGO_MANIFEST_@}" "${!CARGO_PKG_@}"
# No package is named, so that what `cargo test` has built of the dependencies is used again: the features
# are the same.
cargo test --locked --test service -- --ignored
