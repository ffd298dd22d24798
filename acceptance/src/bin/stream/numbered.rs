//! A stream of records with distinct keys. The number of a record determines its key, its value and
//! its time.
use millpond_acceptance::producer::Source;

/// The size of a document without its noise.
const FRAME_BYTES: usize = 90;

#[derive(Debug)]
pub(crate) struct Numbered<T> {
    noise: String,
    /// The time of each record.
    pub(crate) time: T,
}

/// The times of records, in milliseconds since 1970.
pub(crate) trait Time: Send + Sync + 'static {
    fn of(&self, number: u64) -> Option<i64>;
}

/// The time of each record is the time of sending.
#[derive(Debug)]
pub(crate) struct WhenSent;

impl Time for WhenSent {
    fn of(&self, _number: u64) -> Option<i64> {
        None
    }
}

impl<T> Numbered<T> {
    /// A stream of documents of this many bytes.
    pub(crate) fn new(bytes: usize, time: T) -> Self {
        Self { noise: "n".repeat(bytes.saturating_sub(FRAME_BYTES)), time }
    }
}

pub(crate) fn key(number: u64) -> String {
    format!("key-{number:09}")
}

pub(crate) fn value(number: u64) -> String {
    format!("what record {number} is about")
}

impl<T: Time> Source for Numbered<T> {
    fn key(&self, number: u64) -> String {
        key(number)
    }

    fn payload(&self, number: u64) -> Option<Vec<u8>> {
        let (noise, key, value) = (&self.noise, key(number), value(number));
        let document = format!(r#"{{"noise":"{noise}","id":"{key}","description":"{value}"}}"#);
        Some(document.into_bytes())
    }

    fn time_ms(&self, number: u64) -> Option<i64> {
        self.time.of(number)
    }
}
