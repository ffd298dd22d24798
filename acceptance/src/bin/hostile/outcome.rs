//! What a hostile peer got: how many connections were made, refused and closed, and how calls ended.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Counts by what happened. Its names are few: none comes from a service's text.
#[derive(Debug, Default)]
pub(crate) struct Outcome(Mutex<BTreeMap<String, u64>>);

impl Outcome {
    pub(crate) fn count(&self, what: impl fmt::Display) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what.to_string()).or_default() += 1;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parts: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        write!(f, "{}", parts.join(", "))
    }
}
