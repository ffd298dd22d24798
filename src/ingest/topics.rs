//! How each topic was last found, for all threads, and what is said of it: once at each
//! change.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::record::Timestamp;
use crate::stats::{TopicState, TopicStats};

#[derive(Debug)]
pub(super) struct Topics(Mutex<Vec<TopicStats>>);

impl Topics {
    /// Of each name once, in their order.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut topics: Vec<TopicStats> = Vec::new();
        for name in names {
            if !topics.iter().any(|known| known.topic == name) {
                let (topic, since) = (name.to_owned(), Timestamp::now());
                topics.push(TopicStats { topic, state: TopicState::Waiting, since });
            }
        }
        Self(Mutex::new(topics))
    }

    /// Notes how a topic was found.
    pub(super) fn found(&self, topic: &str, state: TopicState) {
        let mut topics = self.lock();
        let known = topics.iter_mut().find(|known| known.topic == topic);
        if let Some(known) = known.filter(|known| known.state != state) {
            say(topic, known.state, state);
            (known.state, known.since) = (state, Timestamp::now());
        }
    }

    pub(super) fn stats(&self) -> Vec<TopicStats> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<TopicStats>> {
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
            tracing::warn!(topic, "not authorised to read the topic, asking for it again");
        }
        TopicState::Reading if before != TopicState::Waiting => {
            tracing::info!(topic, "the topic is there again");
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
    fn only_what_is_about_the_topic_is_taken_for_its_state() {
        let of = |code| state_in(&KafkaError::MetadataFetch(code));
        assert_eq!(of(RDKafkaErrorCode::UnknownTopicOrPartition), Some(TopicState::Missing));
        assert_eq!(of(RDKafkaErrorCode::TopicAuthorizationFailed), Some(TopicState::Unauthorized));
        assert_eq!(of(RDKafkaErrorCode::OperationTimedOut), None);
    }
}
