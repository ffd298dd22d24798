//! Which broker leads each partition of a topic, as of the last look.
//!
//! Only used to send the queries of different leaders apart. The client finds the present leader of
//! each partition itself, so an outdated one costs no more than that a query waits for another.

use std::collections::BTreeMap;

/// A partition and its leader's number, which is negative if it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leader {
    pub(super) partition: i32,
    pub(super) broker: i32,
}

const NO_LEADER: i32 = -1;

#[derive(Debug, Default)]
pub(super) struct Leaders(BTreeMap<i32, i32>);

impl Leaders {
    pub(super) fn new(leaders: impl Iterator<Item = Leader>) -> Self {
        Self(leaders.map(|leader| (leader.partition, leader.broker)).collect())
    }

    pub(super) fn partitions(&self) -> Vec<i32> {
        self.0.keys().copied().collect()
    }

    pub(super) fn leader_of(&self, partition: i32) -> i32 {
        self.0.get(&partition).copied().unwrap_or(NO_LEADER)
    }
}
