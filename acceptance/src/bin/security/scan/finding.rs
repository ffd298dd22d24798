//! One line of the list.

/// What was looked at, what was found, and whether a scanner would leave it at that.
pub(super) struct Finding {
    pub(super) what: String,
    pub(super) found: String,
    pub(super) is_right: bool,
}

impl Finding {
    pub(super) fn new(what: &str, found: impl Into<String>, is_right: bool) -> Self {
        Self { what: what.to_owned(), found: found.into(), is_right }
    }
}
