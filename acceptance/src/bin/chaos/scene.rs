//! The random choices of a seed before its run, and the state that all participants share.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use millpond_acceptance::stop::Stop;

/// The number of writers at a time. Writers whose number is a multiple of it use no transactions.
pub(crate) const WRITERS: usize = 3;
/// A time to live with which nothing expires within a run.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);
/// A time to live with which many entries expire within a run.
const SHORT: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) bootstrap: String,
    pub(crate) topic: String,
    pub(crate) ttl: Duration,
    /// Whether millpond reads from the earliest offset, or only what can still be alive.
    pub(crate) from_earliest: bool,
    pub(crate) threads: u32,
    partitions: AtomicI32,
    pub(crate) stop: Stop,
}

impl Scene {
    pub(crate) fn draw(seed: u64, bootstrap: &str, rng: &mut Rng) -> Self {
        Self {
            seed,
            bootstrap: bootstrap.to_owned(),
            topic: format!("chaos-{}-{seed}", std::process::id()),
            ttl: if rng.u8(..3) == 0 { SHORT } else { LONG },
            from_earliest: rng.bool(),
            threads: rng.u32(1..=3),
            partitions: AtomicI32::new(rng.i32(2..=6)),
            stop: Stop::default(),
        }
    }

    /// The known number of partitions of the topic.
    pub(crate) fn partitions(&self) -> i32 {
        self.partitions.load(Ordering::Relaxed)
    }

    pub(crate) fn set_partitions(&self, partitions: i32) {
        self.partitions.store(partitions, Ordering::Relaxed);
    }

    pub(crate) fn summary(&self) -> String {
        let start = if self.from_earliest { "earliest" } else { "alive" };
        format!("ttl {} s, start {start}, {} threads", self.ttl.as_secs(), self.threads)
    }

    pub(crate) fn nothing_expires(&self) -> bool {
        self.ttl == LONG
    }

    /// When a record with the timestamp `at_ms` expires, in milliseconds since 1970.
    pub(crate) fn expiry_ms(&self, at_ms: i64) -> i64 {
        at_ms + i64::try_from(self.ttl.as_millis()).unwrap_or(i64::MAX / 2)
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
