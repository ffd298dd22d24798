//! A topic of one test, and the records that the test puts into it.
//!
//! Owns producing in order and knowing where each record went. It must not know which broker
//! the topic is on.

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
/// As the node's settings have it.
const LARGEST_MESSAGE_BYTES: &str = "16777216";

/// A topic of one test.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Unlike any other topic's.
    pub name: String,
    /// How many partitions it was made with.
    pub partitions: i32,
    pub(super) bootstrap: String,
}

/// What to produce. The default is a null payload without key and headers, as of now.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Where to; when None by the key, as Kafka's own tools place it.
    pub partition: Option<i32>,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// None makes a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Names and values, in order; a name may stand more than once.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Milliseconds since 1970; when None, the time of producing.
    pub timestamp_ms: Option<i64>,
}

/// Where a message went (partition and offset) or why not; None until it is known.
type Report = Option<Result<(i32, i64), KafkaError>>;

/// One report for each message of a batch, in its order.
#[derive(Debug)]
struct Reports(Mutex<Vec<Report>>);

impl Topic {
    /// A topic that is still to be made, under a name that no other process chooses either.
    pub(super) fn unmade(bootstrap: String, partitions: i32) -> Self {
        let unique = RandomState::new().hash_one(std::process::id());
        Self { name: format!("test-{unique:016x}"), partitions, bootstrap }
    }

    /// Produces the messages in their order, waits until the broker has taken every one, and
    /// gives the partition and offset of each, in the same order. It blocks.
    ///
    /// # Panics
    /// When the broker refuses one, or has not taken all a minute after the last was sent.
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
            // Makes room, and returns as soon as there is some.
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
