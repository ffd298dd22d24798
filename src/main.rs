//! The `millpond` command.

use std::process::ExitCode;

/// One heap for Rust and, unprefixed, for librdkafka's C.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    millpond::cli::run()
}
