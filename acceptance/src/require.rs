//! What becomes of a test whose machine lacks something: it is skipped and says so, or fails where
//! nothing may be skipped.

use std::env;
use std::io::Write;

/// Set to 1, it makes a failure of each skip.
const REQUIRE_ALL: &str = "MILLPOND_REQUIRE_ALL";

/// Says on standard error that `test` is skipped; the caller returns.
///
/// # Panics
/// In place of a skip when `MILLPOND_REQUIRE_ALL` is 1, naming the `cure`.
pub(crate) fn skip(test: &str, need: &str, why: &str, cure: &str) {
    assert!(
        !env::var(REQUIRE_ALL).is_ok_and(|value| value == "1"),
        "{test} needs {need}: {why}; {cure}, or unset {REQUIRE_ALL} to skip"
    );
    warn(&format!("SKIPPED {test}: needs {need}, because {why}"));
}

/// Not with a print macro: tests capture those, and this must be seen.
pub(crate) fn warn(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
