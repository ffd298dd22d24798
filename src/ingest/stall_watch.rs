//! Finds the partitions of one topic that have stalled, by asking brokers where they end.
//!
//! Only partitions that have not moved since the last look are asked about, so a stream that flows
//! costs nothing. While the stream is paused every partition is asked about: nothing is fetched that
//! could tell the end. How long a partition may stand still is for `partition` to judge.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::assignment::TopicAssignment;
use super::leaders::Leaders;

/// The ends of partitions as a broker knows them.
pub(super) struct Ends {
    /// The partitions that were asked about.
    pub(super) partitions: Vec<i32>,
    /// Each partition whose end is known, with its end.
    pub(super) found: Vec<(i32, i64)>,
    pub(super) asked: Instant,
}

#[derive(Debug, Default)]
pub(super) struct StallWatch {
    /// The partitions that a broker is being asked about.
    in_flight: BTreeSet<i32>,
}

impl StallWatch {
    /// Looks at every partition. Returns those to ask about, for each leader apart.
    pub(super) fn look(
        &mut self,
        assignment: &mut TopicAssignment,
        leaders: &Leaders,
        is_paused: bool,
    ) -> Vec<Vec<i32>> {
        let mut groups = BTreeMap::<i32, Vec<i32>>::new();
        for (id, partition) in assignment.all_assigned() {
            let is_still = partition.look();
            if (is_still || is_paused) && self.in_flight.insert(id) {
                groups.entry(leaders.leader_of(id)).or_default().push(id);
            }
        }
        groups.into_values().collect()
    }

    /// Applies an answer. Returns the partitions that have stalled.
    pub(super) fn apply(
        &mut self,
        assignment: &mut TopicAssignment,
        ends: &Ends,
        is_paused: bool,
        timeout: Duration,
    ) -> Vec<i32> {
        let (now, mut stalled) = (Instant::now(), Vec::new());
        for &id in &ends.partitions {
            self.in_flight.remove(&id);
            let Some(partition) = assignment.assigned(id) else { continue };
            match ends.found.iter().find(|(found, _)| *found == id) {
                // A broker that does not answer explains that the partition does not move.
                None => partition.forget_stall(),
                Some(&(_, end)) if is_paused => {
                    partition.observe_broker_end_paused(end, ends.asked);
                }
                Some(&(_, end)) => {
                    if partition.observe_broker_end(end, ends.asked, now, timeout) {
                        stalled.push(id);
                    }
                }
            }
        }
        stalled
    }
}
