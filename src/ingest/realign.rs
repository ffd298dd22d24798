//! What to do with a position that its partition does not have any more.
//!
//! Retention may have cut the log below it, or its topic may have been deleted and made
//! anew. The client is told to report that (`auto.offset.reset`), and not to jump by
//! itself: it would say neither where nor why.

use super::bootstrap::Backlog;

/// A position that leaves its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jump {
    /// The partition.
    pub(super) partition: i32,
    /// Where it goes on from: the first offset there is.
    pub(super) start: i64,
    /// The high watermark.
    pub(super) end: i64,
    /// Why it has to.
    pub(super) why: Why,
}

/// Why a position leaves its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Retention cut the log below it.
    Cut { records: u64 },
    /// The log is not the one that it was.
    MadeAnew,
}

/// What is known of a topic besides the offsets that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// Nothing is.
    Unknown,
    /// It was gone for a while.
    MadeAnew,
}

impl Jump {
    /// Where a position has to go in a partition that has these offsets; none if it may stay.
    pub(super) fn of(position: i64, found: Backlog, since: Since) -> Option<Self> {
        let Backlog { partition, start, end } = found;
        let below = u64::try_from(start.saturating_sub(position)).ok().filter(|&n| n > 0);
        let why = match below {
            _ if since == Since::MadeAnew || position > end => Why::MadeAnew,
            Some(records) => Why::Cut { records },
            None => return None,
        };
        Some(Self { partition, start, end, why })
    }

    /// Says so.
    pub(super) fn log(&self, topic: &str, position: i64) {
        let Self { partition, start, why, .. } = *self;
        match why {
            Why::Cut { records } => tracing::warn!(
                topic,
                partition,
                position,
                start,
                records,
                "retention removed records before they were read, going on from what is left"
            ),
            Why::MadeAnew => tracing::warn!(
                topic,
                partition,
                position,
                start,
                "the topic was made anew, reading it from its beginning"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jump(position: i64, start: i64, end: i64, since: Since) -> Option<Why> {
        Jump::of(position, Backlog { partition: 0, start, end }, since).map(|jump| jump.why)
    }

    #[test]
    fn a_position_that_the_partition_has_stays() {
        for position in [10, 15, 20] {
            assert_eq!(jump(position, 10, 20, Since::Unknown), None);
        }
    }

    #[test]
    fn a_position_below_the_log_goes_to_its_start_and_what_lies_between_is_lost() {
        assert_eq!(jump(3, 10, 20, Since::Unknown), Some(Why::Cut { records: 7 }));
    }

    #[test]
    fn a_position_beyond_the_log_is_from_another_log() {
        assert_eq!(jump(21, 0, 20, Since::Unknown), Some(Why::MadeAnew));
    }

    #[test]
    fn every_position_is_left_when_the_topic_was_gone() {
        for position in [3, 15, 30] {
            assert_eq!(jump(position, 10, 20, Since::MadeAnew), Some(Why::MadeAnew));
        }
    }
}
