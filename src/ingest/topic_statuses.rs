//! How all threads together found each topic, for operators.
//!
//! A thread reports each answer about a topic, and whether it is given the topic's records. The
//! status follows from these, and each change is logged once.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::record::Timestamp;
use crate::stats::{TopicStats, TopicStatus};

#[derive(Debug)]
pub(super) struct TopicStatuses(Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    stats: TopicStats,
    /// The last answer about the topic.
    found: TopicStatus,
    /// The threads that are not given its records.
    denied_to: BTreeSet<usize>,
}

impl Known {
    /// Derives the status, and logs it if it has changed.
    fn update(&mut self) {
        let is_denied = self.found == TopicStatus::Reading && !self.denied_to.is_empty();
        let status = if is_denied { TopicStatus::Unreadable } else { self.found };
        if status != self.stats.status {
            log(&self.stats.topic, self.stats.status, status);
            (self.stats.status, self.stats.since) = (status, Timestamp::now());
        }
    }
}

impl TopicStatuses {
    /// One for each name, in the order of their first mention.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut topics: Vec<Known> = Vec::new();
        for name in names {
            if !topics.iter().any(|known| known.stats.topic == name) {
                let (topic, found) = (name.to_owned(), TopicStatus::Waiting);
                let stats = TopicStats { topic, status: found, since: Timestamp::now() };
                topics.push(Known { stats, found, denied_to: BTreeSet::new() });
            }
        }
        Self(Mutex::new(topics))
    }

    /// Reports an answer about a topic.
    pub(super) fn report(&self, topic: &str, found: TopicStatus) {
        self.change(topic, |known| known.found = found);
    }

    /// Reports whether a thread is given the records of a topic that it reads.
    pub(super) fn report_access(&self, topic: &str, thread: usize, is_granted: bool) {
        self.change(topic, |known| {
            if is_granted {
                known.denied_to.remove(&thread);
            } else {
                known.denied_to.insert(thread);
            }
        });
    }

    fn change(&self, topic: &str, change: impl FnOnce(&mut Known)) {
        let mut topics = self.0.lock();
        if let Some(known) = topics.iter_mut().find(|known| known.stats.topic == topic) {
            change(known);
            known.update();
        }
    }

    pub(super) fn stats(&self) -> Vec<TopicStats> {
        self.0.lock().iter().map(|known| known.stats.clone()).collect()
    }
}

/// The status of a topic that an error tells; none if the error is about something else.
pub(super) fn status_in(error: &KafkaError) -> Option<TopicStatus> {
    match error.rdkafka_error_code()? {
        RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => {
            Some(TopicStatus::Missing)
        }
        RDKafkaErrorCode::TopicAuthorizationFailed => Some(TopicStatus::Unauthorized),
        _ => None,
    }
}

/// What keeps a topic from being read.
pub(super) fn topic_note(status: TopicStatus) -> Option<&'static str> {
    match status {
        TopicStatus::Reading => None,
        TopicStatus::Waiting => Some("no broker has answered a request about it yet"),
        TopicStatus::Missing => Some("it does not exist"),
        TopicStatus::Unauthorized => Some("not authorised to describe it: grant Describe and Read"),
        TopicStatus::Unreadable => Some("not authorised to read it: grant Read"),
    }
}

fn log(topic: &str, before: TopicStatus, now: TopicStatus) {
    match now {
        TopicStatus::Missing => {
            tracing::warn!(topic, "there is no such topic, asking for it again");
        }
        TopicStatus::Unauthorized => {
            tracing::warn!(
                topic,
                "not authorised to describe the topic, asking for it again: grant us Describe and \
                 Read on it"
            );
        }
        TopicStatus::Unreadable => {
            tracing::warn!(
                topic,
                "the topic may be described and not be read, asking for its records again: grant \
                 us Read on it"
            );
        }
        TopicStatus::Reading if before != TopicStatus::Waiting => {
            tracing::info!(topic, "the topic is read again");
        }
        TopicStatus::Reading | TopicStatus::Waiting => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_listed_once_and_changes_when_it_is_found_otherwise() {
        let topics = TopicStatuses::new(["a", "b", "a"].into_iter());
        topics.report("b", TopicStatus::Missing);
        let missing = topics.stats();
        topics.report("b", TopicStatus::Missing);
        let statuses: Vec<_> =
            topics.stats().into_iter().map(|each| (each.topic, each.status)).collect();
        let expected = [("a", TopicStatus::Waiting), ("b", TopicStatus::Missing)];
        assert_eq!(statuses, expected.map(|(topic, status)| (topic.to_owned(), status)));
        assert_eq!(topics.stats()[1].since, missing[1].since);
    }

    #[test]
    fn a_topic_is_unreadable_until_every_thread_is_given_its_records() {
        let topics = TopicStatuses::new(["a"].into_iter());
        let status = || topics.stats()[0].status;
        topics.report("a", TopicStatus::Reading);
        topics.report_access("a", 0, false);
        topics.report_access("a", 1, false);
        topics.report("a", TopicStatus::Reading);
        assert_eq!(status(), TopicStatus::Unreadable, "it may be described");
        topics.report("a", TopicStatus::Missing);
        assert_eq!(status(), TopicStatus::Missing);
        topics.report("a", TopicStatus::Reading);
        topics.report_access("a", 1, true);
        assert_eq!(status(), TopicStatus::Unreadable);
        topics.report_access("a", 0, true);
        assert_eq!(status(), TopicStatus::Reading);
    }

    #[test]
    fn only_what_is_about_the_topic_is_taken_for_its_status() {
        let of = |code| status_in(&KafkaError::MetadataFetch(code));
        assert_eq!(of(RDKafkaErrorCode::UnknownTopicOrPartition), Some(TopicStatus::Missing));
        assert_eq!(of(RDKafkaErrorCode::TopicAuthorizationFailed), Some(TopicStatus::Unauthorized));
        assert_eq!(of(RDKafkaErrorCode::OperationTimedOut), None);
    }
}
