//! The books of one partition: how many records were polled of it, and what became of each.
//!
//! One thread writes, anyone reads.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::thread;

use crate::stats::Outcome;

/// How often a reader looks for a moment in which no record is being handled.
const LOOKS: usize = 16;

/// Adds to a counter that only this thread writes: no other processor has to agree.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}

#[derive(Debug)]
pub(super) struct Tally {
    /// Counted as records come.
    polled: AtomicU64,
    /// What that was when the handling of the last one was over.
    settled: AtomicU64,
    outcomes: [AtomicU64; Outcome::COUNT],
}

/// The books at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tallied {
    pub(super) polled_count: u64,
    pub(super) outcomes: [u64; Outcome::COUNT],
    /// Whether no record was being handled. One that is counts as polled once it is booked.
    pub(super) is_settled: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            polled: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            outcomes: [const { AtomicU64::new(0) }; Outcome::COUNT],
        }
    }
}

impl Tally {
    /// A record came.
    pub(super) fn polled(&self) {
        add(&self.polled, 1);
        // Who sees what becomes of it sees that it came.
        fence(Ordering::Release);
    }

    /// It came to this.
    pub(super) fn books(&self, outcome: Outcome) {
        add(&self.outcomes[outcome.index()], 1);
    }

    /// Its handling is over, booked or not.
    pub(super) fn settles(&self) {
        self.settled.store(self.polled.load(Ordering::Relaxed), Ordering::Release);
    }

    /// The books between two records, if there is such a moment soon.
    pub(super) fn read(&self) -> Tallied {
        for _ in 0..LOOKS {
            let found = self.look();
            if found.is_settled {
                return found;
            }
            thread::yield_now();
        }
        let found = self.look();
        let booked = found.outcomes.iter().sum();
        Tallied {
            polled_count: if found.is_settled { found.polled_count } else { booked },
            ..found
        }
    }

    /// As many had come at the end as were over with at the beginning, so none was being
    /// handled meanwhile: nothing was booked while the outcomes were read.
    fn look(&self) -> Tallied {
        let settled = self.settled.load(Ordering::Acquire);
        let outcomes = self.outcomes.each_ref().map(|count| count.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let polled_count = self.polled.load(Ordering::Relaxed);
        Tallied { polled_count, outcomes, is_settled: polled_count == settled }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_record_that_is_being_handled_does_not_count_yet() {
        let tally = Tally::default();
        tally.polled();
        let open = tally.read();
        assert_eq!((open.polled_count, open.is_settled), (0, false));
        tally.books(Outcome::Filtered);
        assert_eq!(tally.read().polled_count, 1, "whoever waited for it finds it");
        tally.settles();
        let settled = tally.read();
        assert_eq!((settled.polled_count, settled.is_settled), (1, true));
        assert_eq!(settled.outcomes[Outcome::Filtered.index()], 1);
    }

    #[test]
    fn a_record_that_is_never_booked_is_missing_once_its_handling_is_over() {
        let tally = Tally::default();
        tally.polled();
        tally.settles();
        let found = tally.read();
        assert_eq!((found.polled_count, found.is_settled), (1, true));
        assert_eq!(found.outcomes.iter().sum::<u64>(), 0);
    }

    #[test]
    fn whatever_moment_is_read_balances() {
        const RECORDS: u64 = 200_000;
        let tally = Arc::new(Tally::default());
        let writer = Arc::clone(&tally);
        let writing = thread::spawn(move || {
            let outcomes: Vec<_> = Outcome::all().collect();
            for (_, &outcome) in (0..RECORDS).zip(outcomes.iter().cycle()) {
                writer.polled();
                writer.books(outcome);
                writer.settles();
            }
        });
        loop {
            let found = tally.read();
            assert_eq!(found.polled_count, found.outcomes.iter().sum::<u64>(), "{found:?}");
            if found.polled_count == RECORDS {
                break;
            }
        }
        writing.join().unwrap();
    }
}
