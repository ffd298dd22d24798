# The benchmarks that stay, shortened: that they run, and nothing about how fast. The build
# is the test step's, so their figures are worth nothing and are not kept.
# shellcheck shell=bash
set -euo pipefail
mkdir -p target/ci
cargo test --locked --package millpond-benches --bench pluck --bench table
MILLPOND_REQUIRE_ALL=1 cargo test --locked --package millpond-benches --bench compare -- --short --output "$PWD/target/ci/BENCHMARKS.md"
