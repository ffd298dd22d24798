//! Tries the brokers, the topics and the permissions, and plucks the last records of each topic.
//!
//! For an operator, before a service runs. It reads with a client of its own and changes nothing.
//! Unlike the service it waits for brokers, but not for long.

mod last_records;
pub(super) mod report;
mod samples;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::apply::TableSource;
use super::client::{Consumer, consumer_settings};
use super::context::Context;
use super::credentials::Credentials;
use super::outage::Outage;
use super::topic_statuses::{status_in, topic_note};
use super::trial::TrialRecord;
use crate::config::Config;
use last_records::Log;
use report::{BrokerAddress, ConnectionReport, TopicLog, TopicReport};

/// How long brokers may take to be reached.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait for another reason once a connection has failed.
const FAULT_PATIENCE: Duration = Duration::from_secs(3);
/// More than the client's queue has after a request.
const MAX_EVENTS: usize = 200;
const ONE_REQUEST: Duration = Duration::from_secs(1);
const WATERMARKS_TIMEOUT: Duration = Duration::from_secs(5);

/// Tries everything that a service with these sources needs, with the last `records` of each topic.
///
/// # Errors
///
/// When no broker can be reached; the text says why and what to look at.
pub fn check_connection(
    config: &Config,
    sources: &[TableSource],
    records: usize,
) -> Result<ConnectionReport, String> {
    let check = Check::new(config)?;
    let brokers = check.brokers(&sources[0].config.topic)?;
    let mut topics: Vec<TopicReport> = Vec::new();
    for source in sources {
        if !topics.iter().any(|known| known.topic == source.config.topic) {
            let topic = &source.config.topic;
            let own: Vec<_> = sources.iter().filter(|each| each.config.topic == *topic).collect();
            topics.push(check.topic(config, &own, records));
        }
    }
    let dead_letters = config.tables.iter().filter_map(|table| config.dead_letter_of(table));
    let mut dead_letters: Vec<_> = dead_letters.collect();
    dead_letters.sort_unstable();
    dead_letters.dedup();
    let dead_letters = dead_letters.into_iter().map(|topic| check.dead_letter_topic(topic));
    Ok(ConnectionReport { brokers, topics, dead_letters: dead_letters.collect() })
}

/// The last `count` records of a topic by their timestamps, the oldest first; fewer if they are
/// large. Values that are too large for `config` are cut off.
///
/// # Errors
///
/// When no broker can be reached or the topic cannot be read; the text says why.
pub fn last_records(
    config: &Config,
    topic: &str,
    count: usize,
) -> Result<Vec<TrialRecord>, String> {
    let check = Check::new(config)?;
    check.brokers(topic)?;
    let records = check.partitions(topic).and_then(|partitions| {
        let logs = check.logs(topic, &partitions)?;
        check.last_records(config, topic, &logs, count)
    });
    records.map_err(|error| format!("topic {topic} cannot be read: {}", fault_text(&error)))
}

struct Check {
    consumer: Consumer,
    outage: Arc<Outage>,
}

impl Check {
    fn new(config: &Config) -> Result<Self, String> {
        let outage = Arc::new(Outage::new(&config.kafka.brokers));
        let credentials = Credentials::read(&config.kafka)?;
        let mut settings = consumer_settings(config, &credentials);
        settings.set("enable.partition.eof", "true");
        let consumer = settings.create_with_context(Context::new(config, &credentials, &outage));
        Ok(Self { consumer: consumer.map_err(|error| error.to_string())?, outage })
    }

    /// The brokers of the cluster, as the answer to a request about some topic names them.
    fn brokers(&self, topic: &str) -> Result<Vec<BrokerAddress>, String> {
        let start = Instant::now();
        loop {
            match self.consumer.fetch_metadata(Some(topic), ONE_REQUEST) {
                Ok(metadata) => return Ok(addresses(&metadata)),
                Err(error) => {
                    // The reason is in the client's queue, and a poll takes one event of many.
                    (0..MAX_EVENTS).for_each(|_| drop(self.consumer.poll(Duration::ZERO)));
                    let fault = self.outage.newest_fault();
                    let patience = if fault.is_some() { FAULT_PATIENCE } else { CONNECT_PATIENCE };
                    if start.elapsed() >= patience {
                        return Err(fault.unwrap_or_else(|| format!("no broker answers: {error}")));
                    }
                }
            }
        }
    }

    fn topic(&self, config: &Config, sources: &[&TableSource], records: usize) -> TopicReport {
        let topic = &sources[0].config.topic;
        let mut samples = Vec::new();
        let log = self.partitions(topic).and_then(|partitions| {
            let logs = self.logs(topic, &partitions)?;
            let offsets = logs.iter().map(|log| log.high - log.low).sum();
            let records = self.last_records(config, topic, &logs, records)?;
            samples = samples::take(config, sources, &records);
            Ok(TopicLog { partitions: logs.len(), offsets })
        });
        let (log, fault) = match log {
            Ok(log) => (Some(log), None),
            Err(error) => (None, Some(fault_text(&error))),
        };
        let tables = sources.iter().map(|source| source.config.name.clone()).collect();
        TopicReport { topic: topic.clone(), tables, log, fault, samples }
    }

    fn last_records(
        &self,
        config: &Config,
        topic: &str,
        logs: &[Log],
        count: usize,
    ) -> Result<Vec<TrialRecord>, KafkaError> {
        // One more than fits is enough to be too large.
        let max_payload_bytes = config.ingest.max_document.as_usize().saturating_add(1);
        last_records::read(&self.consumer, topic, logs, count, max_payload_bytes)
    }

    fn dead_letter_topic(&self, topic: &str) -> TopicReport {
        let found = self.partitions(topic);
        let log = found.as_ref().ok().map(Vec::len);
        TopicReport {
            topic: topic.to_owned(),
            tables: Vec::new(),
            log: log.map(|partitions| TopicLog { partitions, offsets: 0 }),
            fault: found.err().map(|error| fault_text(&error)),
            samples: Vec::new(),
        }
    }

    fn partitions(&self, topic: &str) -> Result<Vec<i32>, KafkaError> {
        let metadata = self.consumer.fetch_metadata(Some(topic), WATERMARKS_TIMEOUT)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        match found.map(|found| (found.error(), found.partitions())) {
            Some((Some(error), _)) => Err(KafkaError::MetadataFetch(error.into())),
            Some((None, partitions)) if !partitions.is_empty() => {
                Ok(partitions.iter().map(rdkafka::metadata::MetadataPartition::id).collect())
            }
            _ => Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition)),
        }
    }

    fn logs(&self, topic: &str, partitions: &[i32]) -> Result<Vec<Log>, KafkaError> {
        let log = |&partition: &i32| {
            let (low, high) =
                self.consumer.fetch_watermarks(topic, partition, WATERMARKS_TIMEOUT)?;
            Ok(Log { partition, low, high })
        };
        partitions.iter().map(log).collect()
    }
}

fn addresses(metadata: &Metadata) -> Vec<BrokerAddress> {
    let brokers = metadata.brokers().iter();
    let address = |broker: &rdkafka::metadata::MetadataBroker| BrokerAddress {
        id: broker.id(),
        address: format!("{}:{}", broker.host(), broker.port()),
    };
    brokers.map(address).collect()
}

/// What keeps a topic from being read.
fn fault_text(error: &KafkaError) -> String {
    let note = status_in(error).and_then(topic_note);
    note.map_or_else(|| error.to_string(), ToOwned::to_owned)
}
