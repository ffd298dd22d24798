# Short runs of the benchmarks: they check that the benchmarks run, not how fast. The build is that
# of the test step, so the figures mean nothing and are not kept.
# shellcheck shell=bash
set -euo pipefail
mkdir -p target/ci
cargo test --locked --bench pluck --bench table
MILLPOND_REQUIRE_ALL=1 cargo test --locked --bench compare -- --short --output "$PWD/target/ci/BENCHMARKS.md"
