//! The state of a topic in one thread, and when the thread asks for the topic next.
//!
//! One enum, and every transition in this file:
//!
//! ```text
//! Waiting ------- the answer: missing, or not authorised -------> Refused
//!    ^                                                               |
//!    +---------------------- no answer ------------------------------+
//!
//! Waiting, Refused --- a partition is started ---> Reading, with its log Intact
//!
//! Reading:
//!    Intact --------------------- a position out of range ---> NeedsOffsetCheck
//!    Intact, NeedsOffsetCheck --- the answer: missing -------> Missing
//!    Intact --------------------- partitions are missing ----> Missing
//!    Missing -------------------- the answer: missing -------> Recreated
//!    any ------------------------ found with another id -----> Recreated
//!    all but Intact ------------- found ---> Intact: lost partitions are left, and every other
//!                                            position is checked, or reset if Recreated
//! ```
//!
//! A topic that was recreated has another id: then every position is reset. Brokers before Kafka
//! 2.8 name no ids, and there two signs show it. Two looks missed the topic and no look between
//! them found it: that is decided here too. Or a position is past the end of its log: that is
//! decided in `offsets` (`OffsetReset::needed`), partition by partition.
//!
//! Whether the brokers give us the records of the topic is in `read_access`.
//!
//! This file only decides. It must not know Kafka's client.

use std::time::{Duration, Instant};

use super::offsets::OffsetCheck;
use super::topic_ids::TopicId;
use crate::stats::TopicStatus;

/// How long to wait before a topic or a partition is asked for again.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TopicState {
    /// It is not read yet, and no broker has given an answer about it.
    Waiting,
    /// It is not read yet, since the brokers answer that it is missing or not ours to see.
    Refused,
    /// Partitions of it are read.
    Reading(LogState),
}

/// What is known of the logs of a topic that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogState {
    /// Our positions are in them.
    Intact,
    /// Some position may be outside its log.
    NeedsOffsetCheck,
    /// The last look missed the topic, or partitions that are read. A broker may not have heard of
    /// them yet, so one look proves nothing.
    Missing,
    /// The logs are those of another topic of the same name.
    Recreated,
}

/// The state, and the time of the next look at the topic.
#[derive(Debug)]
pub(super) struct Topic {
    state: TopicState,
    look_at: Instant,
    /// When the last answer came.
    looked: Option<Instant>,
    refresh: Duration,
    id: Option<TopicId>,
    /// The id before. A broker whose metadata is old may name it again.
    former_id: Option<TopicId>,
}

impl Topic {
    /// A topic to be asked for at once, and then once in each `refresh`.
    pub(super) fn new(now: Instant, refresh: Duration) -> Self {
        Self {
            state: TopicState::Waiting,
            look_at: now,
            looked: None,
            refresh,
            id: None,
            former_id: None,
        }
    }

    pub(super) fn state(&self) -> TopicState {
        self.state
    }

    pub(super) fn is_reading(&self) -> bool {
        matches!(self.state, TopicState::Reading(_))
    }

    /// Whether the brokers are to be asked for the topic.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.look_at <= now
    }

    /// The check that positions need, now that the topic is found.
    pub(super) fn needed_check(&self) -> Option<OffsetCheck> {
        match self.state {
            TopicState::Waiting | TopicState::Refused => None,
            TopicState::Reading(log) => match log {
                LogState::Intact => None,
                LogState::Recreated => Some(OffsetCheck::Recreated),
                LogState::NeedsOffsetCheck | LogState::Missing => Some(OffsetCheck::OutOfRange),
            },
        }
    }

    /// Notes the id of the topic that a look found, if it is known. Whether it shows that the topic
    /// was recreated.
    pub(super) fn observe_id(&mut self, id: Option<TopicId>) -> bool {
        if id.is_none() || id == self.id || id == self.former_id {
            return false;
        }
        self.former_id = std::mem::replace(&mut self.id, id);
        let is_recreated = self.former_id.is_some();
        if is_recreated && let TopicState::Reading(log) = &mut self.state {
            *log = LogState::Recreated;
        }
        is_recreated
    }

    /// Notes that a look found the topic without partitions that are read.
    pub(super) fn observe_missing_partitions(&mut self, now: Instant) {
        if let TopicState::Reading(log) = &mut self.state {
            *log = LogState::Missing;
            self.look_soon(now);
        }
    }

    /// Notes that a look found the topic. The check that was needed is under way.
    pub(super) fn observe_found(&mut self, now: Instant) {
        if let TopicState::Reading(log) = &mut self.state {
            *log = LogState::Intact;
        }
        (self.look_at, self.looked) = (now + self.refresh, Some(now));
    }

    /// Notes that partitions are read, or that none of them is this thread's.
    pub(super) fn start_reading(&mut self) {
        if !self.is_reading() {
            self.state = TopicState::Reading(LogState::Intact);
        }
    }

    /// Notes that the topic could not be had. `status` is the brokers' answer about it; none if
    /// there was no such answer.
    pub(super) fn observe_failure(&mut self, status: Option<TopicStatus>, now: Instant) {
        let mut after = RETRY_AFTER;
        match &mut self.state {
            TopicState::Reading(log) => {
                let is_urgent = *log == LogState::NeedsOffsetCheck;
                if status == Some(TopicStatus::Missing) {
                    log.observe_missing();
                }
                if !is_urgent {
                    after = self.refresh;
                }
            }
            state @ (TopicState::Waiting | TopicState::Refused) => {
                *state = status.map_or(TopicState::Waiting, |_| TopicState::Refused);
            }
        }
        (self.look_at, self.looked) = (now + after, Some(now));
    }

    /// Makes a look due at once, though not sooner than a while after the last one.
    pub(super) fn look_now(&mut self, now: Instant) {
        let earliest = self.looked.map_or(now, |looked| looked + RETRY_AFTER);
        self.look_at = self.look_at.min(earliest.max(now));
    }

    /// Makes the next look due soon, if it is not due sooner.
    pub(super) fn look_soon(&mut self, now: Instant) {
        self.look_at = self.look_at.min(now + RETRY_AFTER);
    }

    /// Notes that the client reported a position outside its log. It does not say which. So
    /// every topic that is read is looked at.
    pub(super) fn require_offset_check(&mut self, now: Instant) {
        if let TopicState::Reading(log) = &mut self.state {
            if *log == LogState::Intact {
                *log = LogState::NeedsOffsetCheck;
            }
            self.look_at = now;
        }
    }
}

impl LogState {
    fn observe_missing(&mut self) {
        *self = match self {
            Self::Intact | Self::NeedsOffsetCheck => Self::Missing,
            Self::Missing | Self::Recreated => Self::Recreated,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFRESH: Duration = Duration::from_secs(10);
    const MISSING: Option<TopicStatus> = Some(TopicStatus::Missing);

    fn reading(now: Instant) -> Topic {
        let mut topic = Topic::new(now, REFRESH);
        topic.observe_found(now);
        topic.start_reading();
        topic
    }

    #[test]
    fn a_topic_waits_for_an_answer_is_refused_and_then_read() {
        let now = Instant::now();
        let mut topic = Topic::new(now, REFRESH);
        assert_eq!(topic.state(), TopicState::Waiting);
        topic.observe_failure(Some(TopicStatus::Unauthorized), now);
        assert_eq!(topic.state(), TopicState::Refused);
        topic.observe_failure(MISSING, now);
        assert_eq!(topic.state(), TopicState::Refused);
        topic.observe_failure(None, now);
        assert_eq!(topic.state(), TopicState::Waiting, "nobody answers any more");
        assert_eq!(topic.needed_check(), None, "there is no position yet");
        topic.observe_found(now);
        topic.start_reading();
        assert_eq!(topic.state(), TopicState::Reading(LogState::Intact));
    }

    #[test]
    fn a_topic_that_two_looks_missed_was_recreated() {
        let now = Instant::now();
        let mut topic = reading(now);
        topic.observe_failure(MISSING, now);
        assert_eq!(topic.state(), TopicState::Reading(LogState::Missing));
        assert_eq!(topic.needed_check(), Some(OffsetCheck::OutOfRange), "one may be mistaken");
        topic.observe_failure(None, now);
        topic.observe_failure(MISSING, now);
        assert_eq!(topic.needed_check(), Some(OffsetCheck::Recreated));
        topic.observe_found(now);
        assert_eq!(
            (topic.state(), topic.needed_check()),
            (TopicState::Reading(LogState::Intact), None)
        );
        topic.observe_failure(MISSING, now);
        assert_eq!(
            topic.state(),
            TopicState::Reading(LogState::Missing),
            "it counts from one again"
        );
    }

    #[test]
    fn a_position_out_of_range_is_checked_with_the_next_look() {
        let now = Instant::now();
        let mut topic = reading(now);
        topic.require_offset_check(now);
        assert_eq!(topic.state(), TopicState::Reading(LogState::NeedsOffsetCheck));
        assert_eq!(topic.needed_check(), Some(OffsetCheck::OutOfRange));
        topic.observe_found(now);
        assert_eq!(topic.needed_check(), None);
    }

    #[test]
    fn a_position_out_of_range_does_not_undo_that_a_topic_was_missed() {
        let now = Instant::now();
        let mut topic = reading(now);
        topic.observe_failure(MISSING, now);
        topic.observe_failure(MISSING, now);
        topic.require_offset_check(now);
        assert_eq!(topic.needed_check(), Some(OffsetCheck::Recreated));
    }

    #[test]
    fn a_topic_that_is_found_with_another_id_was_recreated() {
        let now = Instant::now();
        let mut topic = Topic::new(now, REFRESH);
        let mut check_after = |id: &str| {
            topic.observe_id(Some(TopicId::new(id)));
            let check = topic.needed_check();
            topic.observe_found(now);
            topic.start_reading();
            check
        };
        assert_eq!(check_after("a"), None);
        assert_eq!(check_after("a"), None);
        assert_eq!(check_after("b"), Some(OffsetCheck::Recreated));
        assert_eq!(check_after("a"), None, "that broker's metadata is old");
        assert_eq!(check_after("b"), None);
        assert_eq!(check_after("c"), Some(OffsetCheck::Recreated));
        topic.observe_id(None);
        assert_eq!(topic.needed_check(), None, "it may be the same");
    }

    #[test]
    fn a_topic_that_is_not_read_has_no_position_to_check() {
        let now = Instant::now();
        let mut topic = Topic::new(now, REFRESH);
        topic.require_offset_check(now);
        assert_eq!((topic.state(), topic.needed_check()), (TopicState::Waiting, None));
    }

    /// When a topic is looked at next, from the time of a change on.
    fn next_look(mut topic: Topic, change: impl FnOnce(&mut Topic, Instant)) -> Duration {
        let now = topic.look_at + REFRESH;
        change(&mut topic, now);
        let after = topic.look_at - now;
        let almost = Duration::from_millis(1);
        assert!(
            topic.is_due(now + after) && !topic.is_due(now + after.saturating_sub(almost))
                || after.is_zero()
        );
        after
    }

    #[test]
    fn a_topic_is_asked_for_again_soon_if_that_is_needed_and_else_with_the_next_refresh() {
        let now = Instant::now();
        let waiting = || Topic::new(now, REFRESH);
        assert!(waiting().is_due(now));
        let fails = |topic: &mut Topic, now| topic.observe_failure(None, now);
        assert_eq!(next_look(waiting(), fails), RETRY_AFTER);
        assert_eq!(next_look(reading(now), fails), REFRESH);
        assert_eq!(next_look(reading(now), Topic::observe_found), REFRESH);
        assert_eq!(next_look(reading(now), Topic::require_offset_check), Duration::ZERO);
        let loses_partitions = |topic: &mut Topic, now| {
            topic.observe_found(now);
            topic.observe_missing_partitions(now);
        };
        assert_eq!(next_look(reading(now), loses_partitions), RETRY_AFTER);
        assert_eq!(next_look(reading(now), Topic::look_now), Duration::ZERO);
        let is_found_just_before = |topic: &mut Topic, now| {
            topic.observe_found(now);
            topic.look_now(now);
        };
        assert_eq!(next_look(reading(now), is_found_just_before), RETRY_AFTER);
        let fails_a_check = |topic: &mut Topic, now| {
            topic.require_offset_check(now);
            topic.observe_failure(None, now);
        };
        assert_eq!(next_look(reading(now), fails_a_check), RETRY_AFTER);
    }
}
