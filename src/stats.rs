//! One snapshot of the service, in plain data.
//!
//! The parts that do the work fill it in, `app` puts it together, and whoever
//! shows it (gRPC, a command, a page) only reads. No clocks, no locks, no wire format.

mod books;
mod loading;
mod rejection;

use std::time::Duration;

use crate::memory::{Census, Line, Pressure, Verdict};
use crate::record::{Reject, Timestamp};
use crate::table::TableStats;
pub use books::BooksStats;
pub use loading::Loading;
pub use rejection::{DeadLetterStats, Rejection};

/// The service at one moment. Counters are cumulative since `started`.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When the service was built, and every counter with it.
    pub started: Timestamp,
    /// How long ago that was.
    pub uptime: Duration,
    /// Digest of the effective configuration.
    pub config_digest: String,
    /// Version of librdkafka.
    pub librdkafka_version: String,
    /// Whether every table has caught up once.
    pub ready: bool,
    /// Where the memory is.
    pub memory: MemoryStats,
    /// Each table, in the order of the configuration.
    pub tables: Vec<TableStats>,
    /// Each partition that feeds a table, by table, topic and partition.
    pub partitions: Vec<PartitionStats>,
    /// Each topic that feeds a table, in the order of the configuration.
    pub topics: Vec<TopicStats>,
    /// What became of rejected records that were handed on.
    pub dead_letters: DeadLetterStats,
    /// Whether the counters balance.
    pub books: BooksStats,
}

/// Where the memory is, and how near its limit.
#[derive(Debug, Clone)]
pub struct MemoryStats {
    /// Every byte by type.
    pub census: Census,
    /// The limit that the process keeps to, in bytes.
    pub limit_bytes: u64,
    /// What counts against it, in bytes: as the container counts, or the resident set.
    pub current_bytes: u64,
    /// What is done about memory being short.
    pub pressure: Pressure,
    /// Who may take how much of the limit.
    pub budget: Vec<Line>,
}

/// What a reclaim did.
#[derive(Debug, Clone)]
pub struct Reclaimed {
    /// The memory as it was.
    pub before: MemoryStats,
    /// The memory once everything had let go what it could.
    pub after: MemoryStats,
    /// What that shows.
    pub verdict: Verdict,
}

/// One partition as the feed of one table.
#[derive(Debug, Clone, Default)]
pub struct PartitionStats {
    /// The table's name.
    pub table: String,
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// Offset of the next record to handle.
    pub position: i64,
    /// Offset after the newest record that the broker is known to have.
    pub high_watermark: i64,
    /// Timestamp of the newest record handled.
    pub newest_record_time: Option<Timestamp>,
    /// Bytes of the payloads handled.
    pub payload_bytes: u64,
    /// Offsets that were gone before they were read.
    pub gap_records: u64,
    /// How often it was begun anew, its topic having been deleted and made again.
    pub restart_count: u64,
    /// How often its thread's client was made anew because it had stalled.
    pub rebuild_count: u64,
    /// How far the reading of its backlog is; none once it is read.
    pub loading: Option<Loading>,
    /// Records handled, but for one that is being handled.
    pub polled_count: u64,
    /// The same by outcome; every outcome is there.
    pub outcomes: Vec<(Outcome, u64)>,
    /// Whether none was being handled, so that both are of one moment.
    pub is_settled: bool,
}

impl PartitionStats {
    /// Records between the position and the high watermark.
    pub fn lag_records(&self) -> i64 {
        (self.high_watermark - self.position).max(0)
    }

    /// Records whose outcome is booked: all that were polled.
    pub fn booked_count(&self) -> u64 {
        self.outcomes.iter().map(|(_, count)| count).sum()
    }

    /// Records that were written to the table.
    pub fn written_count(&self) -> u64 {
        let written = |outcome| matches!(outcome, Outcome::Stored | Outcome::Replaced);
        self.outcomes.iter().filter(|(outcome, _)| written(*outcome)).map(|(_, count)| count).sum()
    }
}

/// A topic as the threads last found it.
#[derive(Debug, Clone)]
pub struct TopicStats {
    /// Its name.
    pub topic: String,
    /// How it was found.
    pub state: TopicState,
    /// Since when it is so.
    pub since: Timestamp,
}

/// How a topic was found when it was last asked for. It is asked for again in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicState {
    /// No broker has answered yet.
    Waiting,
    /// It is being read.
    Reading,
    /// There is no such topic.
    Missing,
    /// The brokers do not let us see it.
    Unauthorized,
    /// They do, and do not give us its records.
    Unreadable,
}

/// What became of a record: each record that is polled has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Stored under a key that had no live entry.
    Stored,
    /// Stored in place of the live entry under its key.
    Replaced,
    /// A tombstone, or a record that deletes as configured: its key has no entry any more.
    Deleted,
    /// Past its time to live when it came: what stood under its key was removed.
    ExpiredOnArrival,
    /// It does not count for the table, as configured.
    Filtered,
    /// It could not be stored.
    Rejected(Reject),
}

impl Outcome {
    /// How many outcomes there are.
    pub const COUNT: usize = 5 + Reject::ALL.len();

    /// Every outcome, each at its [`Self::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Stored, Self::Replaced, Self::Deleted, Self::ExpiredOnArrival, Self::Filtered]
            .into_iter()
            .chain(Reject::ALL.into_iter().map(Self::Rejected))
    }

    /// Its place among [`Self::COUNT`] counters.
    pub fn index(self) -> usize {
        match self {
            Self::Stored => 0,
            Self::Replaced => 1,
            Self::Deleted => 2,
            Self::ExpiredOnArrival => 3,
            Self::Filtered => 4,
            Self::Rejected(reject) => 5 + reject as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_counter_of_its_own() {
        let indexes: Vec<_> = Outcome::all().map(Outcome::index).collect();
        assert_eq!(indexes, (0..Outcome::COUNT).collect::<Vec<_>>());
    }
}
