//! The consumer that only asks brokers: its settings, and what it says beside its answers.

use std::sync::Arc;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};

use super::common_settings::common_settings;
use super::context::observe_log;
use super::credentials::Credentials;
use super::outage::Outage;
use super::redaction::Redaction;
use super::topic_ids::{self, TopicId, TopicIds};
use crate::config::Config;

/// A consumer that never fetches.
pub(super) type QueryConsumer = BaseConsumer<QueryContext>;

/// Creates the consumer. It does not wait for a broker.
pub(super) fn create_query_consumer(
    config: &Config,
    credentials: &Credentials,
    outage: &Arc<Outage>,
) -> KafkaResult<QueryConsumer> {
    let mut settings = common_settings(config, credentials, &[]);
    let debug = settings.get("debug").map_or(String::new(), |debug| format!("{debug},"));
    settings
        .set_log_level(RDKafkaLogLevel::Debug)
        .set("debug", debug + topic_ids::DEBUG_CONTEXT)
        // Otherwise a partition is said to end where its oldest open transaction begins.
        .set("isolation.level", "read_uncommitted");
    settings.create_with_context(QueryContext::new(config, credentials, outage))
}

/// Keeps the ids of topics that the consumer's log names, and notes why connections fail.
pub(super) struct QueryContext {
    outage: Arc<Outage>,
    redaction: Redaction,
    topic_ids: TopicIds,
}

impl QueryContext {
    fn new(config: &Config, credentials: &Credentials, outage: &Arc<Outage>) -> Self {
        Self {
            outage: Arc::clone(outage),
            redaction: Redaction::of(config, credentials),
            topic_ids: TopicIds::default(),
        }
    }

    /// The id of a topic, if the consumer has learnt it.
    pub(super) fn topic_id(&self, topic: &str) -> Option<TopicId> {
        self.topic_ids.get(topic)
    }
}

impl ClientContext for QueryContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if matches!(level, RDKafkaLogLevel::Debug) {
            self.topic_ids.observe_log(facility, message);
        } else {
            observe_log(&self.outage, &self.redaction, level, facility, message);
        }
    }

    /// Its log says the same.
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for QueryContext {}
