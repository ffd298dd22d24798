//! What a seed chooses before anything happens, and what all that takes part has to know.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use millpond_acceptance::stop::Stop;

/// How many writers there are at a time. One in so many uses no transactions, the first to begin
/// with.
pub(crate) const WRITERS: usize = 3;
/// Nothing expires within a run.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);
/// Much does.
const SHORT: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) bootstrap: String,
    pub(crate) topic: String,
    pub(crate) ttl: Duration,
    /// Whether millpond reads all there is, or what can still be alive.
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

    /// How many partitions the topic is known to have.
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

    /// When what is of the time `at` is absent again, in milliseconds since 1970.
    pub(crate) fn expiry_ms(&self, at_ms: i64) -> i64 {
        at_ms + i64::try_from(self.ttl.as_millis()).unwrap_or(i64::MAX / 2)
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
