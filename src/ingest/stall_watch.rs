//! Finds the partitions of one topic that have stalled, by asking brokers where they end.
//!
//! Only partitions that have not moved since the last look are asked about, so a stream that flows
//! costs nothing. While the stream is paused every partition is asked about: nothing is fetched that
//! could tell the end. How long a partition may stand still is for `partition` to judge.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaResult;

use super::assignment::TopicAssignment;

#[derive(Debug, Default)]
pub(super) struct StallWatch {
    /// The partitions that a broker is being asked about.
    in_flight: BTreeSet<i32>,
}

impl StallWatch {
    /// Looks at every partition. Returns those to ask about.
    pub(super) fn look(&mut self, assignment: &mut TopicAssignment, is_paused: bool) -> Vec<i32> {
        let mut wanted = Vec::new();
        for (id, partition) in assignment.all_assigned() {
            let is_still = partition.look();
            if (is_still || is_paused) && self.in_flight.insert(id) {
                wanted.push(id);
            }
        }
        wanted
    }

    /// Applies an answer: the end of each partition that was asked about. Returns the partitions
    /// that have stalled.
    pub(super) fn apply(
        &mut self,
        assignment: &mut TopicAssignment,
        ends: &[(i32, KafkaResult<i64>)],
        asked: Instant,
        is_paused: bool,
        timeout: Duration,
    ) -> Vec<i32> {
        let (now, mut stalled) = (Instant::now(), Vec::new());
        for &(id, ref end) in ends {
            self.in_flight.remove(&id);
            let Some(partition) = assignment.assigned(id) else { continue };
            match *end {
                // A broker that does not answer explains that the partition does not move.
                Err(_) => partition.forget_stall(),
                Ok(end) if is_paused => partition.observe_broker_end_paused(end, asked),
                Ok(end) => {
                    if partition.observe_broker_end(end, asked, now, timeout) {
                        stalled.push(id);
                    }
                }
            }
        }
        stalled
    }
}
