//! The last line of the log: why the process ends, and what it did in all.

use crate::shutdown::StopSignal;
use crate::stats::{Outcome, Snapshot};

/// Why a service ends.
#[derive(Debug)]
pub(super) enum End {
    /// It was asked to, by a signal if that is known, and ended in order.
    Asked(Option<StopSignal>),
    /// It was asked a second time, and did not finish.
    AskedAgain(StopSignal),
    /// A part of it failed.
    Failed(String),
}

impl End {
    pub(super) fn of(
        ended: &anyhow::Result<Option<StopSignal>>,
        asked_by: Option<StopSignal>,
    ) -> Self {
        match ended {
            Ok(None) => Self::Asked(asked_by),
            Ok(Some(signal)) => Self::AskedAgain(*signal),
            Err(error) => Self::Failed(format!("{error:#}")),
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Asked(signal) => {
                format!("asked by {}", signal.map_or("a signal", StopSignal::name))
            }
            Self::AskedAgain(signal) => format!("asked again by {}", signal.name()),
            Self::Failed(error) => error.clone(),
        }
    }
}

/// A service that was never there.
pub(super) fn log_no_start(why: &impl std::fmt::Display) {
    tracing::error!(%why, "ended before it served");
}

/// What the records that were polled came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    polled: u64,
    stored: u64,
    replaced: u64,
    deleted: u64,
    expired_on_arrival: u64,
    superseded: u64,
    filtered: u64,
    rejected: u64,
    entries: u64,
    hits: u64,
    misses: u64,
}

pub(super) fn log_end(end: &End, snapshot: &Snapshot) {
    let (why, uptime_seconds) = (end.in_words(), snapshot.uptime.as_secs());
    let totals = Totals::of(snapshot);
    let rss_bytes = snapshot.memory.census.rss_bytes;
    macro_rules! log_at {
        ($level:expr) => {
            tracing::event!(
                $level,
                why,
                uptime_seconds,
                polled = totals.polled,
                stored = totals.stored,
                replaced = totals.replaced,
                deleted = totals.deleted,
                expired_on_arrival = totals.expired_on_arrival,
                superseded = totals.superseded,
                filtered = totals.filtered,
                rejected = totals.rejected,
                entries = totals.entries,
                hits = totals.hits,
                misses = totals.misses,
                rss_bytes,
                "ended"
            )
        };
    }
    match end {
        End::Asked(_) => log_at!(tracing::Level::INFO),
        End::AskedAgain(_) => log_at!(tracing::Level::WARN),
        End::Failed(_) => log_at!(tracing::Level::ERROR),
    }
}

impl Totals {
    fn of(snapshot: &Snapshot) -> Self {
        let partitions = &snapshot.partitions;
        let mut totals = Self {
            polled: partitions.iter().map(|partition| partition.polled_count).sum(),
            entries: snapshot.tables.iter().map(|table| table.entry_count).sum(),
            hits: snapshot.tables.iter().map(|table| table.hit_count).sum(),
            misses: snapshot.tables.iter().map(|table| table.miss_count).sum(),
            ..Self::default()
        };
        for (outcome, count) in partitions.iter().flat_map(|partition| &partition.outcomes) {
            *totals.of_outcome(*outcome) += count;
        }
        totals
    }

    fn of_outcome(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Stored => &mut self.stored,
            Outcome::Replaced => &mut self.replaced,
            Outcome::Deleted | Outcome::DeletedNothing => &mut self.deleted,
            Outcome::ExpiredOnArrival => &mut self.expired_on_arrival,
            Outcome::Superseded => &mut self.superseded,
            Outcome::Filtered => &mut self.filtered,
            Outcome::Rejected(_) => &mut self.rejected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_says_why() {
        let why = |ended, asked_by| End::of(&ended, asked_by).in_words();
        assert_eq!(why(Ok(None), Some(StopSignal::Interrupt)), "asked by SIGINT");
        let again = Ok(Some(StopSignal::Terminate));
        assert_eq!(why(again, Some(StopSignal::Interrupt)), "asked again by SIGTERM");
        let failed = anyhow::anyhow!("no socket").context("the gRPC server ended by itself");
        assert_eq!(why(Err(failed), None), "the gRPC server ended by itself: no socket");
    }

    #[test]
    fn every_outcome_counts_in_one_total() {
        for outcome in Outcome::all() {
            let mut totals = Totals::default();
            *totals.of_outcome(outcome) += 1;
            assert_ne!(totals, Totals::default(), "{outcome:?}");
        }
    }
}
