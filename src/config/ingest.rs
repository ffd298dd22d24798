//! `[ingest]`: how the stream is read.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use serde::Serialize;

use super::fitted::{Fitted, OrAuto};
use super::form::{Count, Size, Time, Word, serialize_duration};
use super::section::{Section, Unset};
use super::size::ByteSize;

pub(super) const ABOUT: &str = "How the stream is read.";

/// How the stream is read.
#[derive(Clone, Debug, Serialize)]
pub struct Ingest {
    /// How many threads read, each with its own Kafka client and its own partitions: 1..=64.
    pub threads: Fitted<usize>,
    /// Where reading starts.
    pub start: Start,
    /// Payloads larger than this are rejected.
    pub max_document: ByteSize,
    /// Keys longer than this are rejected.
    pub max_key: ByteSize,
    /// How many of the newest rejected records are kept to be listed.
    pub recent_rejections: usize,
    /// How often the brokers are asked whether a topic exists and which partitions it has.
    #[serde(serialize_with = "serialize_duration")]
    pub metadata_refresh: Duration,
    /// A partition that has more to read and makes no progress for this long has stalled.
    #[serde(serialize_with = "serialize_duration")]
    pub stall_timeout: Duration,
}

const HOUR: Duration = Duration::from_secs(3_600);

/// Where in a partition reading starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At the first record whose timestamp is within the time to live.
    Alive,
    /// At the first record that Kafka has.
    Earliest,
}

impl Ingest {
    /// Computes the settings that are `auto`, for a memory limit of so many bytes.
    pub(super) fn fit(&mut self, limit_bytes: u64) {
        let most = usize::try_from(limit_bytes / LIMIT_BYTES_A_THREAD).unwrap_or(usize::MAX);
        self.threads.fit(threads().min(most).max(1));
    }

    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let threads = section.key(
            "threads",
            &OrAuto(Count(1..=64), threads()),
            Unset::Means("auto"),
            "How many threads read. Each has its own Kafka client and its own partitions. `auto` is \
             one for each core, at most 4, and at most one for each 64MiB of the memory limit.",
        );
        let start = section.key(
            "start",
            &Word(&[("alive", Start::Alive), ("earliest", Start::Earliest)]),
            Unset::Means("alive"),
            "Where reading starts: at the first record that can still be alive by its timestamp, \
             or at the first record that Kafka has.",
        );
        let max_document = section.key(
            "max_document",
            &Size(ByteSize::kib(1)..=ByteSize::mib(256)),
            Unset::Means("1MiB"),
            "A larger payload is rejected. A payload of which a table takes nothing may have any \
             size.",
        );
        let max_key = section.key(
            "max_key",
            &Size(ByteSize::bytes(1)..=ByteSize::kib(64)),
            Unset::Means("4KiB"),
            "A longer key is rejected.",
        );
        let recent_rejections = read_recent_rejections(section);
        let metadata_refresh = read_metadata_refresh(section);
        let stall_timeout = read_stall_timeout(section);
        Some(Self {
            threads: threads?,
            start: start?,
            max_document: max_document?,
            max_key: max_key?,
            recent_rejections: recent_rejections?,
            metadata_refresh: metadata_refresh?,
            stall_timeout: stall_timeout?,
        })
    }
}

fn read_recent_rejections(section: &mut Section<'_>) -> Option<usize> {
    section.key(
        "recent_rejections",
        &Count(0..=1_000),
        Unset::Means("100"),
        "How many of the newest rejected records are kept to be listed: their offset and the \
         reason, never their content.",
    )
}

fn read_metadata_refresh(section: &mut Section<'_>) -> Option<Duration> {
    section.key(
        "metadata_refresh",
        &Time(Duration::from_millis(100)..=HOUR),
        Unset::Means("10s"),
        "How often the brokers are asked whether each topic exists and which partitions it has. \
         An added partition is read from its beginning. So is a topic that has another id than \
         before. Kafka before 2.8 names no ids: there it is a topic that exists again after two \
         looks missed it and none between found it.",
    )
}

fn read_stall_timeout(section: &mut Section<'_>) -> Option<Duration> {
    section.key(
        "stall_timeout",
        &Time(Duration::from_secs(1)..=HOUR),
        Unset::Means("60s"),
        "A partition that has more to read and makes no progress for this long has stalled. Its \
         thread then creates a new Kafka client. A partition does not count as stalled while \
         its broker does not answer or denies access, or while the stream is paused.",
    )
}

/// The clients of a thread take several MiB.
const LIMIT_BYTES_A_THREAD: u64 = 64 << 20;

fn threads() -> usize {
    available_parallelism().map_or(1, NonZero::get).min(4)
}
