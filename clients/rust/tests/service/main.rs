//! Tests of the public API against whole services, which the tests control.
//!
//! `cargo run --release -p millpond-acceptance --bin clients -- --only rust` starts the services and runs
//! `test.sh`. Its `environment.rs` says what the variables `MILLPOND_TEST_...` name, and its `control.rs`
//! what the tests may ask for. Plain `cargo test` lists these tests as ignored.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not so"
)]

mod answers;
mod balanced;
mod control;
mod errors;
mod lookups;
mod misses;
mod near_cache;
mod own_writes;
mod relay;
mod scan;
mod security;
mod services;
mod stream;
mod watch;
