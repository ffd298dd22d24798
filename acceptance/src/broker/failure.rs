//! The end of a test whose broker fails.

use std::fmt::Display;

/// For `unwrap_or_else`: ends the test with `what` and the error.
pub(super) fn failed<E: Display, T>(what: &str) -> impl FnOnce(E) -> T {
    move |error| fail(&format!("{what}: {error}"))
}

/// Ends the test.
pub(super) fn fail(why: &str) -> ! {
    panic!("{why}")
}
