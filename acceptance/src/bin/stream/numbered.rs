//! A stream whose records have keys of their own: whoever knows a record's number knows its key,
//! its value and its time.
use millpond_acceptance::producer::Source;

/// What a document has beside its noise.
const FRAME_BYTES: usize = 90;

#[derive(Debug)]
pub(crate) struct Numbered<T> {
    noise: String,
    /// Tells the records' times.
    pub(crate) time: T,
}

/// The records' times, in milliseconds since 1970.
pub(crate) trait Time: Send + Sync + 'static {
    fn of(&self, number: u64) -> Option<i64>;
}

/// Each record's time is when it is sent.
#[derive(Debug)]
pub(crate) struct WhenSent;

impl Time for WhenSent {
    fn of(&self, _number: u64) -> Option<i64> {
        None
    }
}

impl<T> Numbered<T> {
    /// Of documents of so many bytes.
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
