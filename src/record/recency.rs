//! Which of two records of one key is newer: one rule for records, tombstones and expired records.
//!
//! A table is fed by partitions that are read side by side, after a restart in another order than
//! before. The rule gives the same newest record whatever the order, as long as each partition is
//! read in its own order:
//!
//! - By **time**, the default: in one partition the later offset is newer. Of two partitions the
//!   later record time is newer, and of equal times the higher partition.
//! - By **version**, where the records say it themselves: the higher version is newer, in one
//!   partition too. Of equal versions the higher partition is newer, and then the later offset.
//!
//! Record times may go back within a partition. So a record that replaces an older one of its own
//! partition takes over that one's rank if it is higher. Without that, three records could each be
//! newer than the next, in a circle.

/// What decides which of two records of a key is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recency {
    /// The record's time in milliseconds since 1970, or its version. Never less than the rank of
    /// an older record of the same partition, where times rank.
    pub rank: i64,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset in the partition.
    pub offset: i64,
}

/// What ranks the records of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankedBy {
    /// The time of the record.
    Time,
    /// A version in the record.
    Version,
}

impl Recency {
    /// The rank of a record that has no time. Every time is newer.
    pub const NO_TIME: i64 = -1;
    /// The rank of a tombstone in a table with versions, if it has none. It is as new as the entry
    /// that it meets.
    pub const NO_VERSION: i64 = i64::MIN;

    /// The recency of this record once it has taken the place of `known`, the newest record of its
    /// key so far; none if `known` is newer and the record is superseded. A record that comes a
    /// second time is not superseded by itself.
    #[must_use]
    pub fn replacing(self, known: Option<Self>, ranked_by: RankedBy) -> Option<Self> {
        let Some(known) = known else { return Some(self) };
        match ranked_by {
            RankedBy::Time if self.partition == known.partition => {
                let rank = self.rank.max(known.rank);
                (self.offset >= known.offset).then_some(Self { rank, ..self })
            }
            RankedBy::Time => {
                let is_newer = (self.rank, self.partition) > (known.rank, known.partition);
                is_newer.then_some(self)
            }
            RankedBy::Version if self.rank == Self::NO_VERSION => {
                Some(Self { rank: known.rank, ..self })
            }
            RankedBy::Version => {
                let key = |it: Self| (it.rank, it.partition, it.offset);
                (key(self) >= key(known)).then_some(self)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn record(rank: i64, partition: i32, offset: i64) -> Recency {
        Recency { rank, partition, offset }
    }

    /// Whether the first record is superseded by the second.
    fn is_superseded(first: Recency, second: Recency, ranked_by: RankedBy) -> bool {
        first.replacing(Some(second), ranked_by).is_none()
    }

    #[test]
    fn in_one_partition_the_later_offset_is_newer_whatever_the_times() {
        assert!(!is_superseded(record(5, 0, 8), record(9, 0, 7), RankedBy::Time));
        assert!(is_superseded(record(9, 0, 7), record(5, 0, 8), RankedBy::Time));
    }

    #[test]
    fn of_two_partitions_the_later_time_is_newer_and_of_equal_times_the_higher_partition() {
        assert!(is_superseded(record(5, 1, 99), record(6, 0, 1), RankedBy::Time));
        assert!(!is_superseded(record(6, 0, 1), record(5, 1, 99), RankedBy::Time));
        assert!(is_superseded(record(6, 0, 99), record(6, 1, 1), RankedBy::Time));
        assert!(!is_superseded(record(6, 1, 1), record(6, 0, 99), RankedBy::Time));
        assert!(is_superseded(record(Recency::NO_TIME, 1, 9), record(0, 0, 1), RankedBy::Time));
    }

    #[test]
    fn a_higher_version_is_newer_in_one_partition_too() {
        assert!(is_superseded(record(3, 0, 8), record(4, 0, 7), RankedBy::Version));
        assert!(!is_superseded(record(4, 0, 8), record(4, 0, 7), RankedBy::Version));
        assert!(is_superseded(record(4, 0, 8), record(4, 1, 7), RankedBy::Version));
    }

    #[test]
    fn a_tombstone_without_a_version_is_as_new_as_what_it_meets() {
        let tombstone = record(Recency::NO_VERSION, 0, 9);
        let deleted = tombstone.replacing(Some(record(7, 1, 3)), RankedBy::Version).unwrap();
        assert!(is_superseded(record(6, 1, 10), deleted, RankedBy::Version));
        assert!(!is_superseded(record(8, 0, 1), deleted, RankedBy::Version));
    }

    #[test]
    fn a_record_that_comes_twice_is_not_superseded_by_itself() {
        for ranked_by in [RankedBy::Time, RankedBy::Version] {
            assert!(!is_superseded(record(5, 0, 7), record(5, 0, 7), ranked_by));
        }
    }

    /// Reads partitions, whose records have these ranks, in the order of `turns`. The newest record.
    fn read(partitions: &[Vec<i64>], turns: &[usize], ranked_by: RankedBy) -> Option<(i32, i64)> {
        let mut next = vec![0; partitions.len()];
        let mut newest: Option<Recency> = None;
        let all = (0..partitions.len()).flat_map(|each| vec![each; partitions[each].len()]);
        for turn in turns.iter().map(|turn| turn % partitions.len()).chain(all) {
            let Some(&rank) = partitions[turn].get(next[turn]) else { continue };
            let (partition, offset) = (turn.try_into().unwrap(), next[turn].try_into().unwrap());
            next[turn] += 1;
            newest = Recency { rank, partition, offset }.replacing(newest, ranked_by).or(newest);
        }
        newest.map(|newest| (newest.partition, newest.offset))
    }

    proptest! {
        #[test]
        fn partitions_read_in_any_order_end_with_the_same_newest_record(
            partitions in prop::collection::vec(prop::collection::vec(0..6_i64, 0..8), 1..4),
            first in prop::collection::vec(0..4_usize, 0..24),
            second in prop::collection::vec(0..4_usize, 0..24),
        ) {
            for ranked_by in [RankedBy::Time, RankedBy::Version] {
                prop_assert_eq!(
                    read(&partitions, &first, ranked_by),
                    read(&partitions, &second, ranked_by)
                );
            }
        }
    }
}
