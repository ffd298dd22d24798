//! Plucks any payload without a panic, and with the outcome of the oracle of the unit tests.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src"]
#[expect(dead_code, unused_imports, reason = "a target uses a part of these modules")]
mod millpond {
    pub mod config;
    pub mod pluck;
    pub mod proto;
    pub mod record;
    pub mod small_file;
}

#[path = "../../src/pluck/oracle.rs"]
mod oracle;

use millpond::{config, pluck, proto, record, small_file};

/// The oracle recurses, so deep nesting is left to the unit tests.
const MAX_BYTES: usize = 4 << 10;

fuzz_target!(|payload: &[u8]| {
    if payload.len() <= MAX_BYTES {
        oracle::check(payload);
    }
});
