//! Where rejected records go beside the books: the list of the last, and dead-letter topics.

use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;

use super::dead_letter::DeadLetters;
use super::rejections::Rejections;
use crate::config::Config;
use crate::stats::Rejection;

pub(super) struct Rejected {
    pub(super) last: Rejections,
    pub(super) dead_letters: DeadLetters,
}

impl Rejected {
    pub(super) fn new(config: &Config) -> KafkaResult<Self> {
        let last = Rejections::keeping(config.ingest.recent_rejections);
        Ok(Self { last, dead_letters: DeadLetters::new(config)? })
    }

    /// Takes note of a rejected record and hands it on to `dead_letter`, a topic.
    pub(super) fn take(
        &self,
        rejection: Rejection,
        message: &BorrowedMessage<'_>,
        dead_letter: Option<&str>,
    ) {
        if let Some(topic) = dead_letter {
            self.dead_letters.send(topic, message, &rejection);
        }
        self.last.push(rejection);
    }
}
