//! A topic of one test, and the records that the test puts into it.
//!
//! Owns producing in order, and where each record went. Knows nothing of the broker that has the
//! topic.

use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

use super::failure::{fail, failed};

/// For a broker on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);
/// Matches the setting of the node.
const LARGEST_MESSAGE_BYTES: &str = "16777216";

/// A topic of one test.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Unique among topics.
    pub name: String,
    /// The number of partitions at its creation.
    pub partitions: i32,
    pub(super) bootstrap: String,
}

/// A record to produce. The default has a null payload, no key and no headers.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// The partition. None: chosen by the key, as Kafka's own tools do.
    pub partition: Option<i32>,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// None makes a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Names and values, in order. A name may occur more than once.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Milliseconds since 1970. None: the time of producing.
    pub timestamp_ms: Option<i64>,
}

/// Where a message went (partition and offset), or the error. None until it is known.
type Report = Option<Result<(i32, i64), KafkaError>>;

/// One report for each message of a batch, in its order.
#[derive(Debug)]
struct Reports(Mutex<Vec<Report>>);

impl Topic {
    /// A name for a new topic, which no other process chooses. The topic does not exist yet.
    pub(super) fn unmade(bootstrap: String, partitions: i32) -> Self {
        let unique = RandomState::new().hash_one(std::process::id());
        Self { name: format!("test-{unique:016x}"), partitions, bootstrap }
    }

    /// Produces the messages in order, and waits until the broker has taken all of them. Returns
    /// the partition and offset of each, in the same order. This blocks.
    ///
    /// # Panics
    /// If the broker refuses a message, or has not taken all within a minute.
    pub fn produce(&self, messages: &[Message]) -> Vec<(i32, i64)> {
        let producer = self.producer(messages.len());
        for (index, message) in messages.iter().enumerate() {
            self.send(&producer, index, message);
        }
        producer.flush(PATIENCE).unwrap_or_else(failed("not every message was reported on"));
        let mut reports = producer.context().0.lock().unwrap_or_else(failed("no reports"));
        reports.drain(..).map(placed).collect()
    }

    fn producer(&self, messages: usize) -> BaseProducer<Reports> {
        ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            // Keeps the order over retries, and stores a message once.
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", LARGEST_MESSAGE_BYTES)
            .create_with_context(Reports(Mutex::new(vec![None; messages])))
            .unwrap_or_else(failed("no producer"))
    }

    fn send(&self, producer: &BaseProducer<Reports>, index: usize, message: &Message) {
        let mut record = message.record(&self.name, index);
        while let Err((error, refused)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                fail(&format!("message {index} was refused: {error}"));
            }
            // Waits until the queue has room.
            producer.poll(Duration::from_millis(100));
            record = refused;
        }
    }
}

impl Message {
    fn record<'a>(&'a self, topic: &'a str, index: usize) -> BaseRecord<'a, [u8], [u8], usize> {
        let mut record = BaseRecord::with_opaque_to(topic, index);
        record.partition = self.partition;
        record.key = self.key.as_deref();
        record.payload = self.payload.as_deref();
        record.timestamp = self.timestamp_ms;
        record.headers = (!self.headers.is_empty()).then(|| self.owned_headers());
        record
    }

    fn owned_headers(&self) -> OwnedHeaders {
        self.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: value.as_ref() })
        })
    }
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let report = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        };
        let mut reports = self.0.lock().unwrap_or_else(failed("no reports"));
        if let Some(place) = reports.get_mut(index) {
            *place = Some(report);
        }
    }
}

fn placed(report: Report) -> (i32, i64) {
    match report {
        Some(Ok(place)) => place,
        Some(Err(error)) => fail(&format!("a message was not taken: {error}")),
        None => fail("a message was not reported on"),
    }
}
