//! The stream: ever new keys, so that the table is full and stays full.

use millpond_acceptance::producer::Source;

/// The only table.
pub(crate) const TABLE: &str = "services";
/// A thousand such entries almost fill the largest response.
const VALUE_BYTES: usize = 3_000;
/// The oldest key that lookups ask for, counted from the newest.
const RECENT: u64 = 2_000;

/// A stream of records with distinct keys and values of one size.
#[derive(Debug)]
pub(crate) struct Entries {
    text: String,
}

impl Entries {
    pub(crate) fn new() -> Self {
        Self { text: "n".repeat(VALUE_BYTES) }
    }

    /// The number of records that fill a table of this many bytes, and some more.
    pub(crate) fn filling(bytes: u64) -> u64 {
        bytes / VALUE_BYTES as u64
    }
}

impl Source for Entries {
    fn key(&self, number: u64) -> String {
        key(number)
    }

    fn payload(&self, number: u64) -> Option<Vec<u8>> {
        let (key, text) = (key(number), &self.text);
        Some(format!(r#"{{"id":"{key}","description":"{text}"}}"#).into_bytes())
    }
}

fn key(number: u64) -> String {
    format!("key-{number:09}")
}

/// Keys of the newest records but one tenth, which are in the table unless it is tiny. `end` is the
/// number of records so far.
pub(crate) fn recent_keys(end: u64, count: u64) -> Vec<String> {
    let newest = end.saturating_sub(RECENT / 10);
    let step = RECENT / count.clamp(1, RECENT);
    (0..count).map(|nth| key(newest.saturating_sub(nth * step))).collect()
}
