//! What a near cache holds, and how fresh it has to be.

use std::time::Duration;

/// 64 MiB.
const MAX_BYTES: usize = 64 << 20;
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// What a [`NearCache`](crate::NearCache) holds, and how fresh it has to be.
#[derive(Debug, Clone)]
pub struct NearCacheOptions {
    pub(super) table: String,
    pub(super) prefix: String,
    pub(super) fields: Vec<String>,
    pub(super) max_bytes: usize,
    pub(super) max_staleness: Option<Duration>,
    pub(super) progress_interval: Duration,
}

impl NearCacheOptions {
    /// Copies of entries of this table: 64 MiB of them, however stale, with all fields.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            prefix: String::new(),
            fields: Vec::new(),
            max_bytes: MAX_BYTES,
            max_staleness: None,
            progress_interval: PROGRESS_INTERVAL,
        }
    }

    /// Only keys that begin with this are looked up. The changes of others are not sent then.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Holds these fields of an entry only.
    #[must_use]
    pub fn fields<F: Into<String>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        self.fields = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Holds so many bytes of keys and entries, about. The keys that were looked up least recently go.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Asks the service if what is held may be staler than this, and demands it of the service too. A
    /// second or two are normal, and the progress interval comes on top.
    #[must_use]
    pub fn max_staleness(mut self, staleness: Duration) -> Self {
        self.max_staleness = Some(staleness);
        self
    }

    /// The service says at this interval how far the watch has come: from 100 ms to 60 s, and 1 s if
    /// this is not said. What is held counts as that much staler.
    #[must_use]
    pub fn progress_interval(mut self, interval: Duration) -> Self {
        self.progress_interval = interval;
        self
    }
}
