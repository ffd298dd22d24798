//! The partitions of one topic whose offsets a broker still has to tell.
//!
//! A partition cannot be started, nor its position be checked, before its broker has answered.
//! Each partition has at most one query in flight, and a failed one is repeated after a pause.
//! So a broker that does not answer holds up its own partitions and no others.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::offsets::OffsetCheck;

/// What the offsets of a partition are needed for. A later purpose covers those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// To read a partition that was added to the topic, from its beginning.
    NewPartition,
    /// To check the position of a partition that is read.
    Check(OffsetCheck),
    /// To start to read a partition of a topic that was not read before.
    Start,
}

/// A partition to ask a broker about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) partition: i32,
    pub(super) purpose: Purpose,
    /// The position when it was asked.
    pub(super) position: i64,
}

#[derive(Debug, Default)]
pub(super) struct PendingOffsets(BTreeMap<i32, Pending>);

#[derive(Debug, Clone, Copy)]
struct Pending {
    purpose: Purpose,
    /// An answer to a query that was sent before does not do: the log may have changed since.
    needed_since: Instant,
    query: Query,
}

#[derive(Debug, Clone, Copy)]
enum Query {
    /// Not sent before this time.
    DueAt(Instant),
    /// Sent with this position.
    InFlight { asked: Instant, position: i64 },
}

impl PendingOffsets {
    /// Notes that the offsets of a partition are needed from `now` on.
    pub(super) fn require(&mut self, partition: i32, purpose: Purpose, now: Instant) {
        let pending = self.0.entry(partition).or_insert(Pending {
            purpose,
            needed_since: now,
            query: Query::DueAt(now),
        });
        pending.purpose = pending.purpose.max(purpose);
        if matches!(purpose, Purpose::Check(_)) {
            pending.needed_since = now;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets the partitions that the topic does not have, and returns them.
    pub(super) fn retain(&mut self, existing: &[i32]) -> Vec<i32> {
        let is_missing = |partition: &&i32| !existing.contains(partition);
        let missing: Vec<_> = self.0.keys().filter(is_missing).copied().collect();
        self.0.retain(|partition, _| existing.contains(partition));
        missing
    }

    /// The questions that are due and about a partition that may be asked about, which are in
    /// flight from now on.
    pub(super) fn take_due(
        &mut self,
        now: Instant,
        may_ask: impl Fn(i32) -> bool,
        position_of: impl Fn(i32) -> i64,
    ) -> Vec<Question> {
        let mut due = Vec::new();
        for (&partition, pending) in &mut self.0 {
            let is_due = matches!(pending.query, Query::DueAt(at) if at <= now);
            if is_due && may_ask(partition) {
                let (purpose, position) = (pending.purpose, position_of(partition));
                pending.query = Query::InFlight { asked: now, position };
                due.push(Question { partition, purpose, position });
            }
        }
        due
    }

    /// Whether an answer to a query that was sent at this time is still awaited.
    pub(super) fn is_awaited(&self, partition: i32, sent: Instant) -> bool {
        let query = self.0.get(&partition).map(|pending| pending.query);
        matches!(query, Some(Query::InFlight { asked, .. }) if asked <= sent)
    }

    /// The question about a partition that a broker has answered; none if it is not asked any
    /// more.
    pub(super) fn asked(&self, partition: i32) -> Option<Question> {
        let pending = self.0.get(&partition)?;
        match pending.query {
            Query::InFlight { position, .. } => {
                Some(Question { partition, purpose: pending.purpose, position })
            }
            Query::DueAt(_) => None,
        }
    }

    /// Notes that an answer was applied. If the offsets were required again after the query was
    /// sent, the question is repeated at once.
    pub(super) fn resolve(&mut self, partition: i32, now: Instant) {
        let Some(pending) = self.0.get_mut(&partition) else { return };
        match pending.query {
            Query::InFlight { asked, .. } if asked < pending.needed_since => {
                pending.query = Query::DueAt(now);
            }
            _ => {
                self.0.remove(&partition);
            }
        }
    }

    /// Notes that a query or its answer came to nothing.
    pub(super) fn retry(&mut self, partition: i32, now: Instant, after: Duration) {
        if let Some(pending) = self.0.get_mut(&partition) {
            pending.query = Query::DueAt(now + after);
        }
    }

    /// Whether a partition of a topic that was not read before is not started yet.
    pub(super) fn has_starts(&self) -> bool {
        self.0.values().any(|pending| pending.purpose == Purpose::Start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const OUT_OF_RANGE: Purpose = Purpose::Check(OffsetCheck::OutOfRange);

    fn due(pending: &mut PendingOffsets, now: Instant) -> Vec<i32> {
        pending.take_due(now, |_| true, |_| 7).iter().map(|question| question.partition).collect()
    }

    #[test]
    fn a_partition_has_one_query_in_flight_and_a_failed_one_is_repeated_after_a_pause() {
        let (mut pending, now) = (PendingOffsets::default(), Instant::now());
        pending.require(0, Purpose::Start, now);
        pending.require(1, Purpose::Start, now);
        assert_eq!(due(&mut pending, now), [0, 1]);
        assert_eq!(due(&mut pending, now + SECOND), [0_i32; 0]);

        pending.resolve(0, now);
        pending.retry(1, now, SECOND);
        assert!(pending.has_starts());
        assert_eq!(due(&mut pending, now), [0_i32; 0]);
        assert_eq!(due(&mut pending, now + SECOND), [1]);
        pending.resolve(1, now + SECOND);
        assert!(!pending.has_starts());
    }

    #[test]
    fn a_partition_that_may_not_be_asked_about_stays_due() {
        let (mut pending, now) = (PendingOffsets::default(), Instant::now());
        pending.require(0, Purpose::Start, now);
        pending.require(1, Purpose::Start, now);
        let asked = pending.take_due(now, |partition| partition == 1, |_| 7);
        assert_eq!(asked.iter().map(|question| question.partition).collect::<Vec<_>>(), [1]);
        assert_eq!(due(&mut pending, now), [0]);
    }

    #[test]
    fn an_answer_to_a_query_that_was_sent_before_the_need_does_not_do() {
        let (mut pending, now) = (PendingOffsets::default(), Instant::now());
        pending.require(0, OUT_OF_RANGE, now);
        assert_eq!(due(&mut pending, now), [0]);
        pending.require(0, OUT_OF_RANGE, now + SECOND);
        pending.resolve(0, now + SECOND);
        assert_eq!(due(&mut pending, now + SECOND), [0]);
        pending.resolve(0, now + 2 * SECOND);
        assert_eq!(due(&mut pending, now + 2 * SECOND), [0_i32; 0]);
    }

    #[test]
    fn a_check_does_not_turn_into_a_weaker_one_and_a_start_stays_a_start() {
        let (mut pending, now) = (PendingOffsets::default(), Instant::now());
        let recreated = Purpose::Check(OffsetCheck::Recreated);
        pending.require(0, recreated, now);
        pending.require(0, OUT_OF_RANGE, now);
        pending.require(1, Purpose::Start, now);
        pending.require(1, Purpose::NewPartition, now);
        let purposes: Vec<_> = pending
            .take_due(now, |_| true, |_| 7)
            .into_iter()
            .map(|question| question.purpose)
            .collect();
        assert_eq!(purposes, [recreated, Purpose::Start]);
        assert_eq!(pending.asked(0).map(|question| question.position), Some(7));
    }

    #[test]
    fn an_answer_about_a_partition_that_is_not_there_any_more_has_no_question() {
        let (mut pending, now) = (PendingOffsets::default(), Instant::now());
        pending.require(0, Purpose::Start, now);
        assert_eq!(due(&mut pending, now), [0]);
        assert_eq!(pending.retain(&[1]), [0]);
        assert_eq!(pending.asked(0), None);
        pending.require(0, Purpose::Start, now + SECOND);
        assert_eq!(due(&mut pending, now + SECOND), [0]);
        assert!(!pending.is_awaited(0, now), "that was asked before");
        assert!(pending.is_awaited(0, now + SECOND));
    }
}
