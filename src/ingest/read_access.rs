//! Whether the brokers give us the records of one topic.
//!
//! The brokers report a denial once, and without the topic's name. So every topic of the thread
//! is reassigned, which makes the client report again, and each topic has to prove its access:
//!
//! ```text
//! Granted ----------- the client reported a denial --------------> Probing
//! Probing, Denied --- a record was read, or an end was seen -----> Granted
//! Probing ----------- time is over, no denial since it began ----> Granted
//! Probing ----------- time is over, and a denial since ----------> Denied
//! ```
//!
//! This file only decides. It must not know Kafka's client.

use std::time::{Duration, Instant};

use super::partition::STATISTICS_DELAY;

/// How long a topic has to show that it may be read.
const PROBE_TIME: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadAccess {
    /// Nothing speaks against it.
    Granted,
    /// Not decided yet.
    Probing {
        since: Instant,
        /// How many denials the client had reported to the thread by then.
        denials: u64,
    },
    /// The brokers refuse the topic's records.
    Denied,
}

impl ReadAccess {
    pub(super) fn is_granted(self) -> bool {
        self == Self::Granted
    }

    /// Whether an end of a partition that the client's statistics of `now` show proves access.
    pub(super) fn is_proven_by_end(self, now: Instant) -> bool {
        match self {
            Self::Granted => false,
            // Before that the statistics may be older than the probe.
            Self::Probing { since, .. } => now.duration_since(since) >= STATISTICS_DELAY,
            Self::Denied => true,
        }
    }

    /// Notes that a record was read, or an end seen.
    pub(super) fn grant(&mut self) {
        *self = Self::Granted;
    }

    /// Starts a probe, when the client has reported so many denials in all.
    pub(super) fn probe(&mut self, since: Instant, denials: u64) {
        *self = Self::Probing { since, denials };
    }

    /// Starts the time of a probe again, because nothing was fetched that could show anything.
    pub(super) fn postpone_probe(&mut self, now: Instant) {
        if let Self::Probing { since, .. } = self {
            *since = now;
        }
    }

    /// Ends a probe whose time is over, when the client has reported so many denials in all and
    /// nothing was read meanwhile. Returns whether access is granted, if that is decided now.
    pub(super) fn end_probe(&mut self, now: Instant, denials: u64) -> Option<bool> {
        let Self::Probing { since, denials: before } = *self else { return None };
        if now.duration_since(since) < PROBE_TIME {
            return None;
        }
        let is_granted = denials == before;
        *self = if is_granted { Self::Granted } else { Self::Denied };
        Some(is_granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probing(now: Instant) -> ReadAccess {
        let mut access = ReadAccess::Granted;
        assert!(access.is_granted());
        access.probe(now, 3);
        assert!(!access.is_granted());
        access
    }

    #[test]
    fn access_is_denied_if_a_topic_shows_nothing_and_a_denial_is_told_again() {
        let now = Instant::now();
        let mut access = probing(now);
        assert_eq!(access.end_probe(now, 4), None, "it has time to show something");
        assert_eq!(access.end_probe(now + PROBE_TIME, 4), Some(false));
        assert!(!access.is_granted());
        assert_eq!(access.end_probe(now + 2 * PROBE_TIME, 5), None, "it is decided");
        access.grant();
        assert!(access.is_granted());
    }

    #[test]
    fn access_is_granted_if_no_denial_is_told_again() {
        let now = Instant::now();
        let mut access = probing(now);
        assert_eq!(access.end_probe(now + PROBE_TIME, 3), Some(true));
        assert!(access.is_granted());
    }

    #[test]
    fn a_probe_that_could_show_nothing_starts_again() {
        let now = Instant::now();
        let mut access = probing(now);
        access.postpone_probe(now + PROBE_TIME);
        assert_eq!(access.end_probe(now + PROBE_TIME, 4), None);
        assert_eq!(access.end_probe(now + 2 * PROBE_TIME, 4), Some(false));
    }

    #[test]
    fn an_end_proves_access_once_statistics_are_about_the_new_assignment() {
        let now = Instant::now();
        let mut access = probing(now);
        assert!(!access.is_proven_by_end(now));
        assert!(access.is_proven_by_end(now + STATISTICS_DELAY));
        access.end_probe(now + PROBE_TIME, 4);
        assert!(access.is_proven_by_end(now));
        access.grant();
        assert!(!access.is_proven_by_end(now), "there is nothing to prove");
    }
}
