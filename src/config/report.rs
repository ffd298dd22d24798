//! What reading a configuration yields besides its values: the faults, the place of each key,
//! and a description of each key for the reference page.

use std::collections::BTreeMap;

use super::fault::{Fault, Faults, Place};

#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) faults: Vec<Fault>,
    pub(super) places: BTreeMap<String, Place>,
    pub(super) chapters: Vec<Chapter>,
}

/// A section of the reference page.
#[derive(Debug)]
pub(super) struct Chapter {
    /// In TOML, such as `[[tables]]`.
    pub(super) heading: String,
    pub(super) about: &'static str,
    pub(super) keys: Vec<Description>,
}

/// A key of the reference page.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) name: &'static str,
    pub(super) wanted: String,
    /// The default; none if the key is required.
    pub(super) default: Option<String>,
    pub(super) about: &'static str,
}

impl Report {
    /// Adds a fault of a key, with the place where the key was written, if it was.
    pub(super) fn fault(&mut self, key: &str, wrong: impl Into<String>, cure: impl Into<String>) {
        let place = self.places.get(key).cloned().unwrap_or_default();
        self.faults.push(Fault { key: key.into(), place, wrong: wrong.into(), cure: cure.into() });
    }

    pub(super) fn describe(&mut self, description: Description) {
        if let Some(chapter) = self.chapters.last_mut() {
            chapter.keys.push(description);
        }
    }

    /// The value if there are no faults, else the faults.
    pub(super) fn conclude<T>(self, value: Option<T>) -> Result<T, Faults> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(Faults(self.faults)),
        }
    }
}
