//! What reading a configuration finds out besides its values.
//!
//! Faults, for the person who wrote it; who wrote which key, for the checks between
//! keys; and a description of every key met on the way, for the reference page.

use std::collections::BTreeMap;

use super::fault::{Fault, Faults, Place};

#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) faults: Vec<Fault>,
    pub(super) places: BTreeMap<String, Place>,
    pub(super) chapters: Vec<Chapter>,
}

/// A section as the reference page describes it.
#[derive(Debug)]
pub(super) struct Chapter {
    /// As TOML writes it, such as `[[tables]]`.
    pub(super) heading: String,
    pub(super) about: &'static str,
    pub(super) keys: Vec<Description>,
}

/// A key as the reference page describes it.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) name: &'static str,
    pub(super) wanted: String,
    /// What holds without it, unless it must be there.
    pub(super) default: Option<String>,
    pub(super) about: &'static str,
}

impl Report {
    /// Notes a fault of a key, at the place where it was written, if it was.
    pub(super) fn fault(&mut self, key: &str, wrong: impl Into<String>, cure: impl Into<String>) {
        let place = self.places.get(key).cloned().unwrap_or_default();
        self.faults.push(Fault { key: key.into(), place, wrong: wrong.into(), cure: cure.into() });
    }

    pub(super) fn describe(&mut self, description: Description) {
        if let Some(chapter) = self.chapters.last_mut() {
            chapter.keys.push(description);
        }
    }

    /// The value, if there was no fault.
    pub(super) fn conclude<T>(self, value: Option<T>) -> Result<T, Faults> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(Faults(self.faults)),
        }
    }
}
