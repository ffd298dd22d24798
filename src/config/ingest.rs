//! `[ingest]`: how the stream is read.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use serde::Serialize;

use super::form::{Count, Size, Time, Word, serialize_duration};
use super::section::{Section, Unset};
use super::size::ByteSize;

pub(super) const ABOUT: &str = "How the stream is read.";

/// How the stream is read.
#[derive(Clone, Debug, Serialize)]
pub struct Ingest {
    /// How many threads read, each with a client and partitions of its own: 1..=64.
    pub threads: usize,
    /// Where reading starts.
    pub start: Start,
    /// Payloads larger than this are rejected.
    pub max_document: ByteSize,
    /// Keys longer than this are rejected.
    pub max_key: ByteSize,
    /// How many of the records that were rejected last are listed.
    pub rejections: usize,
    /// How often each topic is looked at for new partitions and for whether it is there.
    #[serde(serialize_with = "serialize_duration")]
    pub refresh: Duration,
    /// A partition that has more to read and does not come on for this long has stalled.
    #[serde(serialize_with = "serialize_duration")]
    pub stall_after: Duration,
}

const HOUR: Duration = Duration::from_secs(3_600);

/// Where in a partition reading starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At the first record that is young enough to be still alive.
    Alive,
    /// At the first record there is.
    Earliest,
}

impl Ingest {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let threads = section.key(
            "threads",
            &Count(1..=64),
            Unset::Derived("the machine's cores, at most 4", threads),
            "How many threads read, each with a client and partitions of its own.",
        );
        let start = section.key(
            "start",
            &Word(&[("alive", Start::Alive), ("earliest", Start::Earliest)]),
            Unset::Means("alive"),
            "Where reading starts: at the first record that can still be alive by its \
             timestamp, or at the first that Kafka has.",
        );
        let max_document = section.key(
            "max_document",
            &Size(ByteSize::kib(1)..=ByteSize::mib(256)),
            Unset::Means("1MiB"),
            "A larger payload is rejected, and so is one over 16KiB that would take more than 24 \
             times this much memory to parse, such as nothing but brackets.",
        );
        let max_key = section.key(
            "max_key",
            &Size(ByteSize::bytes(1)..=ByteSize::kib(64)),
            Unset::Means("4KiB"),
            "A longer key is rejected.",
        );
        let rejections = read_rejections(section);
        let (refresh, stall_after) = (read_refresh(section), read_stall_after(section));
        Some(Self {
            threads: threads?,
            start: start?,
            max_document: max_document?,
            max_key: max_key?,
            rejections: rejections?,
            refresh: refresh?,
            stall_after: stall_after?,
        })
    }
}

fn read_rejections(section: &mut Section<'_>) -> Option<usize> {
    section.key(
        "rejections",
        &Count(0..=1_000),
        Unset::Means("100"),
        "How many of the records that were rejected last are kept to be listed: where they \
         stand and why they were, never what they said.",
    )
}

fn read_refresh(section: &mut Section<'_>) -> Option<Duration> {
    section.key(
        "refresh",
        &Time(Duration::from_millis(100)..=HOUR),
        Unset::Means("10s"),
        "How often each topic is looked at: for partitions that were added, which are read \
         from their beginning, and for whether it is still there. One that is seen to be \
         gone twice and comes back is read from its beginning too.",
    )
}

fn read_stall_after(section: &mut Section<'_>) -> Option<Duration> {
    section.key(
        "stall_after",
        &Time(Duration::from_secs(1)..=HOUR),
        Unset::Means("60s"),
        "A partition that has more to read and does not come on for this long has stalled, \
         unless the broker does not answer, may not give us its records or the stream is \
         paused: its thread goes on with a Kafka client made anew.",
    )
}

fn threads() -> usize {
    available_parallelism().map_or(1, NonZero::get).min(4)
}
