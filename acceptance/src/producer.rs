//! Puts the records of a stream into a topic, and knows which of them the broker has taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

use crate::records::Records;

/// The longest time without progress while records wait to be sent.
const PATIENCE: Duration = Duration::from_secs(60);
/// The time between two checks of how many records are due.
const TICK: Duration = Duration::from_millis(20);

/// A stream of numbered records.
pub trait Source: Send + Sync + 'static {
    /// The record's key.
    fn key(&self, number: u64) -> String;
    /// The record's payload. None is a tombstone.
    fn payload(&self, number: u64) -> Option<Vec<u8>>;
    /// The record's timestamp, in milliseconds since 1970. None is the time of sending.
    fn time_ms(&self, _number: u64) -> Option<i64> {
        None
    }
}

impl Source for Records {
    fn key(&self, number: u64) -> String {
        self.key(number)
    }

    fn payload(&self, number: u64) -> Option<Vec<u8>> {
        self.payload(number)
    }
}

/// The records that the broker has acknowledged.
#[derive(Debug)]
pub struct Delivered {
    /// By partition, the offset after the newest record.
    pub ends: Vec<AtomicI64>,
    /// The number of acknowledged records.
    pub count: AtomicU64,
    /// The number of refused records.
    pub refused: AtomicU64,
}

/// A producer of one stream into one topic.
pub struct Producer<S = Records> {
    inner: BaseProducer<Taken>,
    topic: String,
    records: Arc<S>,
    delivered: Arc<Delivered>,
    next: u64,
}

impl<S: Source> Producer<S> {
    /// Creates a producer for an empty topic. `compression` is as in `compression.type`.
    pub fn new(
        broker: &str,
        topic: &str,
        partitions: i32,
        compression: &str,
        records: Arc<S>,
    ) -> anyhow::Result<Self> {
        let ends = (0..partitions).map(|_| AtomicI64::new(0)).collect();
        let delivered =
            Arc::new(Delivered { ends, count: AtomicU64::new(0), refused: AtomicU64::new(0) });
        let inner = ClientConfig::new()
            .set("bootstrap.servers", broker)
            .set("linger.ms", "20")
            // A key's records stay in order over retries.
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", "16777216")
            .set("queue.buffering.max.kbytes", "65536")
            .set("compression.type", compression)
            // Reconnects soon to a broker that was down.
            .set("reconnect.backoff.max.ms", "500")
            .create_with_context(Taken(Arc::clone(&delivered)))?;
        Ok(Self { inner, topic: topic.to_owned(), records, delivered, next: 0 })
    }

    /// The records acknowledged so far.
    pub fn delivered(&self) -> Arc<Delivered> {
        Arc::clone(&self.delivered)
    }

    /// Produces while `wants_more` returns true for the records and payload bytes sent so far, and
    /// returns when the broker has acknowledged all.
    pub fn fill(&mut self, wants_more: impl Fn(u64, u64) -> bool) -> anyhow::Result<()> {
        let (mut sent, mut sent_bytes) = (0, 0);
        while wants_more(sent, sent_bytes) {
            sent_bytes += self.send_next()?;
            sent += 1;
        }
        self.inner.flush(PATIENCE)?;
        let refused = self.delivered.refused.load(Ordering::Relaxed);
        ensure!(refused == 0, "the broker refused {refused} records");
        Ok(())
    }

    /// Produces `rate` records a second until `stop` is given.
    pub fn keep_adding(&mut self, rate: u32, stop: &AtomicBool) -> anyhow::Result<()> {
        let (start, mut sent) = (Instant::now(), 0);
        while !stop.load(Ordering::Relaxed) {
            let due = start.elapsed().as_millis() * u128::from(rate) / 1_000;
            while sent < due && !stop.load(Ordering::Relaxed) {
                self.send_next()?;
                sent += 1;
            }
            self.inner.poll(TICK);
        }
        // Records that still wait when a producer is dropped count as refused.
        Ok(self.inner.flush(PATIENCE)?)
    }

    /// Sends a record. Returns the bytes of its payload.
    fn send_next(&mut self) -> anyhow::Result<u64> {
        let (key, payload) = (self.records.key(self.next), self.records.payload(self.next));
        let mut record = BaseRecord::<_, [u8]>::to(&self.topic).key(&key);
        record.payload = payload.as_deref();
        record.timestamp = self.records.time_ms(self.next);
        let start = Instant::now();
        while let Err((error, refused)) = self.inner.send(record) {
            let full = error == KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            ensure!(full && start.elapsed() < PATIENCE, "the broker takes no more: {error}");
            // Waits until the queue has room.
            self.inner.poll(TICK);
            record = refused;
        }
        self.next += 1;
        Ok(payload.map_or(0, |payload| payload.len() as u64))
    }
}

/// Receives the delivery reports.
struct Taken(Arc<Delivered>);

impl ClientContext for Taken {}

impl ProducerContext for Taken {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Ok(record) = result else {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.0.count.fetch_add(1, Ordering::Relaxed);
        let partition = usize::try_from(record.partition()).ok();
        if let Some(end) = partition.and_then(|partition| self.0.ends.get(partition)) {
            end.fetch_max(record.offset() + 1, Ordering::Relaxed);
        }
    }
}
