//! One lookup: with which credentials, of which table, and what it must come to.

use super::credentials::Files;

/// A lookup and its outcome.
#[derive(Debug)]
pub(super) struct Case {
    /// Who asks for what.
    pub(super) what: String,
    pub(super) files: Files,
    pub(super) table: &'static str,
    /// The name of the status.
    pub(super) wanted: &'static str,
}

impl Case {
    pub(super) fn new(who: &str, files: &Files, table: &'static str, wanted: &'static str) -> Self {
        Self { what: format!("{who} of {table}"), files: files.clone(), table, wanted }
    }

    /// Whether a caller's `NAME MESSAGE` is the status that it must be.
    pub(super) fn is_as_wanted(&self, got: &str) -> bool {
        got.split(' ').next() == Some(self.wanted)
    }
}
