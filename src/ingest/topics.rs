//! How each topic was last found, for all threads, and what is said of it: once at each
//! change.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::record::Timestamp;
use crate::stats::{TopicState, TopicStats};

#[derive(Debug)]
pub(super) struct Topics(Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    stats: TopicStats,
    /// How it was found when it was asked for.
    found: TopicState,
    /// The threads that are not given its records.
    refused_to: BTreeSet<usize>,
}

impl Known {
    /// Takes note of what has changed of it.
    fn update(&mut self) {
        let is_refused = self.found == TopicState::Reading && !self.refused_to.is_empty();
        let state = if is_refused { TopicState::Unreadable } else { self.found };
        if state != self.stats.state {
            say(&self.stats.topic, self.stats.state, state);
            (self.stats.state, self.stats.since) = (state, Timestamp::now());
        }
    }
}

impl Topics {
    /// Of each name once, in their order.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut topics: Vec<Known> = Vec::new();
        for name in names {
            if !topics.iter().any(|known| known.stats.topic == name) {
                let (topic, found) = (name.to_owned(), TopicState::Waiting);
                let stats = TopicStats { topic, state: found, since: Timestamp::now() };
                topics.push(Known { stats, found, refused_to: BTreeSet::new() });
            }
        }
        Self(Mutex::new(topics))
    }

    /// Notes how a topic was found.
    pub(super) fn found(&self, topic: &str, state: TopicState) {
        self.change(topic, |known| known.found = state);
    }

    /// Notes whether a thread is given the records of a topic that it reads.
    pub(super) fn gives_records(&self, topic: &str, thread: usize, is_given: bool) {
        self.change(topic, |known| {
            if is_given {
                known.refused_to.remove(&thread);
            } else {
                known.refused_to.insert(thread);
            }
        });
    }

    fn change(&self, topic: &str, change: impl FnOnce(&mut Known)) {
        let mut topics = self.lock();
        if let Some(known) = topics.iter_mut().find(|known| known.stats.topic == topic) {
            change(known);
            known.update();
        }
    }

    pub(super) fn stats(&self) -> Vec<TopicStats> {
        self.lock().iter().map(|known| known.stats.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an error says of the topic that was asked for; none if it is about something else.
pub(super) fn state_in(error: &KafkaError) -> Option<TopicState> {
    match error.rdkafka_error_code()? {
        RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => {
            Some(TopicState::Missing)
        }
        RDKafkaErrorCode::TopicAuthorizationFailed => Some(TopicState::Unauthorized),
        _ => None,
    }
}

fn say(topic: &str, before: TopicState, now: TopicState) {
    match now {
        TopicState::Missing => {
            tracing::warn!(topic, "there is no such topic, asking for it again");
        }
        TopicState::Unauthorized => {
            tracing::warn!(
                topic,
                "not authorised to describe the topic, asking for it again: grant us Describe and \
                 Read on it"
            );
        }
        TopicState::Unreadable => {
            tracing::warn!(
                topic,
                "the topic may be described and not be read, asking for its records again: grant \
                 us Read on it"
            );
        }
        TopicState::Reading if before != TopicState::Waiting => {
            tracing::info!(topic, "the topic is read again");
        }
        TopicState::Reading | TopicState::Waiting => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_listed_once_and_changes_when_it_is_found_otherwise() {
        let topics = Topics::new(["a", "b", "a"].into_iter());
        topics.found("b", TopicState::Missing);
        let missing = topics.stats();
        topics.found("b", TopicState::Missing);
        let states: Vec<_> =
            topics.stats().into_iter().map(|each| (each.topic, each.state)).collect();
        let expected = [("a", TopicState::Waiting), ("b", TopicState::Missing)];
        assert_eq!(states, expected.map(|(topic, state)| (topic.to_owned(), state)));
        assert_eq!(topics.stats()[1].since, missing[1].since);
    }

    #[test]
    fn a_topic_is_unreadable_until_every_thread_is_given_its_records() {
        let topics = Topics::new(["a"].into_iter());
        let state = || topics.stats()[0].state;
        topics.found("a", TopicState::Reading);
        topics.gives_records("a", 0, false);
        topics.gives_records("a", 1, false);
        topics.found("a", TopicState::Reading);
        assert_eq!(state(), TopicState::Unreadable, "it may be described");
        topics.found("a", TopicState::Missing);
        assert_eq!(state(), TopicState::Missing);
        topics.found("a", TopicState::Reading);
        topics.gives_records("a", 1, true);
        assert_eq!(state(), TopicState::Unreadable);
        topics.gives_records("a", 0, true);
        assert_eq!(state(), TopicState::Reading);
    }

    #[test]
    fn only_what_is_about_the_topic_is_taken_for_its_state() {
        let of = |code| state_in(&KafkaError::MetadataFetch(code));
        assert_eq!(of(RDKafkaErrorCode::UnknownTopicOrPartition), Some(TopicState::Missing));
        assert_eq!(of(RDKafkaErrorCode::TopicAuthorizationFailed), Some(TopicState::Unauthorized));
        assert_eq!(of(RDKafkaErrorCode::OperationTimedOut), None);
    }
}
