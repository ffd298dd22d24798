//! Any payload is plucked without a panic, and as the oracle of the tests would pluck it.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src"]
#[expect(dead_code, unused_imports, reason = "a target uses a part of what it takes in")]
mod millpond {
    pub mod pluck;
    pub mod record;
}

#[path = "../../src/config"]
mod config {
    #[expect(dead_code, reason = "the oracle sets no conditions")]
    mod condition;
    mod source;
    pub use condition::{Condition, Constant};
    pub use source::{Pointer, Source};
}

#[path = "../../src/pluck/oracle.rs"]
mod oracle;

use millpond::{pluck, record};

/// The oracle recurses, and so deep nesting is left to the tests.
const MAX_BYTES: usize = 4 << 10;

fuzz_target!(|payload: &[u8]| {
    if payload.len() <= MAX_BYTES {
        oracle::check(payload);
    }
});
