//! Where a partition is read from, and when its position has to be reset.
//!
//! A partition is read from the first offset whose record can still be alive up to the high
//! watermark of that moment: then it has caught up, and later records are followed. A position
//! may leave the log afterwards. Retention may remove records before they are read (a retention
//! gap), or the topic may be deleted and recreated. The client is told to report that
//! (`auto.offset.reset=error`) and not to choose an offset itself, because it would say neither
//! which nor why. This file only decides. `broker_queries` asks the brokers.

use std::time::Duration;

use crate::record::Timestamp;

/// The offsets that a broker has of a partition and that concern us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OffsetRange {
    pub(super) partition: i32,
    /// Where to read from.
    pub(super) start: i64,
    /// The high watermark.
    pub(super) end: i64,
}

/// Which offset of a partition to start at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartAt {
    /// The first record of this time or later.
    Time(Timestamp),
    /// The first record there is.
    Earliest,
}

/// Which records of a topic are read when the service starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartPolicy {
    /// Those that are not older than this, because older ones have expired.
    YoungerThan(Duration),
    /// All of them.
    Everything,
}

impl StartPolicy {
    pub(super) fn start_at(self, now: Timestamp) -> StartAt {
        match self {
            Self::YoungerThan(ttl) => StartAt::Time(now.minus(ttl)),
            Self::Everything => StartAt::Earliest,
        }
    }
}

/// Which thread reads a partition. Topics start at different threads, so that the only
/// partitions of many small topics are not all read by the first thread.
pub(super) fn thread_of(topic_number: usize, partition: i32, threads: usize) -> usize {
    (topic_number + usize::try_from(partition).unwrap_or(0)) % threads
}

/// Why positions are checked against the offsets that a broker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OffsetCheck {
    /// The client reported that some position is outside its log.
    OutOfRange,
    /// The topic was recreated, and no position holds.
    Recreated,
}

/// A position that has to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OffsetReset {
    pub(super) partition: i32,
    /// Where to go on: the first offset that the partition has.
    pub(super) start: i64,
    /// The high watermark.
    pub(super) end: i64,
    pub(super) reason: ResetReason,
}

/// Why a position has to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResetReason {
    /// Retention removed records before they were read.
    RetentionGap { records: u64 },
    /// The topic was deleted and created again: its offsets are those of another log.
    Recreated,
}

impl OffsetReset {
    /// The reset that a position needs, if any. `asked_position` is the position when the broker
    /// was asked for the range, and it is the one that is compared with the end in the answer. The
    /// position of now may be past that end only because records have come since.
    pub(super) fn needed(
        asked_position: i64,
        position: i64,
        range: OffsetRange,
        check: OffsetCheck,
    ) -> Option<Self> {
        let OffsetRange { partition, start, end } = range;
        let gap = u64::try_from(start.saturating_sub(position)).ok().filter(|&gap| gap > 0);
        let reason = match gap {
            _ if check == OffsetCheck::Recreated || asked_position > end => ResetReason::Recreated,
            Some(records) => ResetReason::RetentionGap { records },
            None => return None,
        };
        Some(Self { partition, start, end, reason })
    }

    /// The same where all records before `read_to` were read once, and some are being read again:
    /// those are not lost if retention has removed them meanwhile.
    #[must_use]
    pub(super) fn after_reading_to(mut self, read_to: i64) -> Self {
        if let ResetReason::RetentionGap { records } = &mut self.reason {
            *records = (*records).min(u64::try_from(self.start - read_to).unwrap_or(0));
        }
        self
    }

    pub(super) fn log(&self, topic: &str, position: i64) {
        let Self { partition, start, reason, .. } = *self;
        match reason {
            ResetReason::RetentionGap { records: 0 } => tracing::info!(
                topic,
                partition,
                position,
                start,
                "retention removed records that were to be read again, going on with the rest"
            ),
            ResetReason::RetentionGap { records } => tracing::warn!(
                topic,
                partition,
                position,
                start,
                records,
                "retention removed records before they were read, going on with the rest"
            ),
            ResetReason::Recreated => tracing::warn!(
                topic,
                partition,
                position,
                start,
                "the topic was recreated, reading it from its beginning"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_always_one_threads_and_no_thread_is_left_out() {
        let threads: Vec<_> = (0..8).map(|partition| thread_of(0, partition, 3)).collect();
        assert_eq!(threads, [0, 1, 2, 0, 1, 2, 0, 1]);
    }

    #[test]
    fn topics_of_one_partition_are_spread_over_the_threads() {
        let threads: Vec<_> = (0..4).map(|topic| thread_of(topic, 0, 2)).collect();
        assert_eq!(threads, [0, 1, 0, 1]);
    }

    /// The reason to reset a position that has not moved since the broker was asked.
    fn reason(position: i64, start: i64, end: i64, check: OffsetCheck) -> Option<ResetReason> {
        let range = OffsetRange { partition: 0, start, end };
        OffsetReset::needed(position, position, range, check).map(|reset| reset.reason)
    }

    #[test]
    fn a_position_that_the_partition_has_stays() {
        for position in [10, 15, 20] {
            assert_eq!(reason(position, 10, 20, OffsetCheck::OutOfRange), None);
        }
    }

    #[test]
    fn a_position_below_the_log_goes_to_its_start_and_the_records_between_are_lost() {
        let gap = ResetReason::RetentionGap { records: 7 };
        assert_eq!(reason(3, 10, 20, OffsetCheck::OutOfRange), Some(gap));
    }

    #[test]
    fn records_that_were_read_once_are_not_lost_if_they_cannot_be_read_again() {
        let range = OffsetRange { partition: 0, start: 10, end: 20 };
        let reset = OffsetReset::needed(3, 3, range, OffsetCheck::OutOfRange).unwrap();
        let records = |read_to| match reset.after_reading_to(read_to).reason {
            ResetReason::RetentionGap { records } => records,
            ResetReason::Recreated => panic!("{reset:?}"),
        };
        assert_eq!([0, 3, 8, 10, 15].map(records), [7, 7, 2, 0, 0]);
    }

    #[test]
    fn a_position_beyond_the_log_is_from_another_log() {
        assert_eq!(reason(21, 0, 20, OffsetCheck::OutOfRange), Some(ResetReason::Recreated));
    }

    #[test]
    fn every_position_is_left_when_the_topic_was_missing() {
        for position in [3, 15, 30] {
            let found = reason(position, 10, 20, OffsetCheck::Recreated);
            assert_eq!(found, Some(ResetReason::Recreated));
        }
    }

    #[test]
    fn a_position_that_advanced_while_the_broker_was_asked_is_not_beyond_the_log() {
        let range = OffsetRange { partition: 0, start: 0, end: 20 };
        assert_eq!(OffsetReset::needed(19, 25, range, OffsetCheck::OutOfRange), None);
        let gap =
            OffsetReset::needed(3, 8, OffsetRange { start: 10, ..range }, OffsetCheck::OutOfRange);
        assert_eq!(gap.unwrap().reason, ResetReason::RetentionGap { records: 2 });
    }
}
