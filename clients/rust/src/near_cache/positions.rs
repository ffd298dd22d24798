//! How far the watched instance was when it told something.
//!
//! An event may be told a moment before its own record counts as handled in a progress. So records of
//! events count beside the progress that follows them, and are forgotten with the next one: a topic that
//! is created anew begins at its first offset again.

use std::collections::BTreeMap;
use std::mem;

use crate::v1::PartitionOffset;

type Offsets = BTreeMap<i32, i64>;

/// The last record of each partition of which something is known.
#[derive(Debug, Default)]
pub(super) struct Positions {
    /// What the last progress said.
    told: Offsets,
    /// The records of events after the last progress.
    since: Offsets,
    /// The records of events between the two last ones.
    before: Offsets,
}

impl Positions {
    /// Notes the record of an event.
    pub(super) fn note(&mut self, partition: i32, offset: i64) {
        raise(&mut self.since, partition, offset);
    }

    /// Notes a progress.
    pub(super) fn tell(&mut self, positions: &[PartitionOffset]) {
        self.before = mem::take(&mut self.since);
        self.told = positions.iter().map(|each| (each.partition, each.offset)).collect();
    }

    /// What another instance must have handled to know all that was told.
    pub(super) fn all(&self) -> Vec<PartitionOffset> {
        let mut all = self.told.clone();
        for (&partition, &offset) in self.before.iter().chain(&self.since) {
            raise(&mut all, partition, offset);
        }
        let position = |(partition, offset)| PartitionOffset { partition, offset };
        all.into_iter().map(position).collect()
    }
}

fn raise(offsets: &mut Offsets, partition: i32, offset: i64) {
    let known = offsets.entry(partition).or_insert(offset);
    *known = offset.max(*known);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(positions: &mut Positions, offset: i64) -> i64 {
        positions.tell(&[PartitionOffset { partition: 0, offset }]);
        positions.all()[0].offset
    }

    #[test]
    fn an_event_counts_until_a_later_progress_must_know_it() {
        let mut positions = Positions::default();
        positions.note(0, 12);
        positions.note(0, 11);
        assert_eq!(positions.all()[0].offset, 12);
        assert_eq!(told(&mut positions, 10), 12, "it was told a moment before it counted");
        assert_eq!(told(&mut positions, 14), 14);
        assert_eq!(told(&mut positions, 1), 1, "the topic was created anew");
    }

    #[test]
    fn each_partition_counts_by_itself() {
        let mut positions = Positions::default();
        told(&mut positions, 5);
        positions.note(1, 3);
        let all = positions.all().into_iter().map(|each| (each.partition, each.offset));
        assert!(all.eq([(0, 5), (1, 3)]));
    }
}
