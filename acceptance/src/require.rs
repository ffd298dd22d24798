//! Skipping of tests whose machine lacks something. A skip is printed, or is a failure where no
//! test may be skipped.

use std::env;
use std::io::Write;

/// If this is 1, each skip is a failure.
const REQUIRE_ALL: &str = "MILLPOND_REQUIRE_ALL";

/// Whether what this machine cannot run may be skipped. Otherwise each skip is a failure.
pub fn may_skip() -> bool {
    !env::var(REQUIRE_ALL).is_ok_and(|value| value == "1")
}

/// Prints on standard error that `test` is skipped. The caller returns.
///
/// # Panics
/// Instead of skipping, if `MILLPOND_REQUIRE_ALL` is 1. The message names the `cure`.
pub(crate) fn skip(test: &str, need: &str, why: &str, cure: &str) {
    assert!(may_skip(), "{test} needs {need}: {why}; {cure}, or unset {REQUIRE_ALL} to skip");
    warn(&format!("SKIPPED {test}: needs {need}, because {why}"));
}

/// Does not use a print macro: tests capture its output, and this line must be visible.
pub(crate) fn warn(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
