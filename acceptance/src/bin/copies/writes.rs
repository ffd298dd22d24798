//! A stream that replaces and deletes the same keys again and again, and knows when the broker had taken
//! which record of a key.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::ensure;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

const PATIENCE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(5);

/// The records of each key that the broker has acknowledged, in their order.
#[derive(Debug)]
pub(crate) struct Log {
    keys: Vec<Mutex<Vec<Acknowledged>>>,
    refused: AtomicU64,
    count: AtomicU64,
}

/// A record of a key.
#[derive(Debug, Clone, Copy)]
struct Acknowledged {
    at: Instant,
    offset: i64,
    is_tombstone: bool,
}

/// The offsets of the last records of a key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Last {
    pub(crate) record: Option<i64>,
    /// The last one that is no tombstone.
    pub(crate) document: Option<i64>,
}

/// Sends the records.
pub(crate) struct Writer {
    producer: BaseProducer<Reports>,
    topic: String,
    log: Arc<Log>,
    random: fastrand::Rng,
    /// Keys that are never deleted come first.
    kept_keys: usize,
    sent: u64,
}

/// The text of a key.
pub(crate) fn key(number: usize) -> String {
    format!("key-{number}")
}

impl Log {
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The last records of a key that the broker had acknowledged at this moment.
    pub(crate) fn last_at(&self, key: usize, at: Instant) -> Last {
        let records = self.of(key);
        let before = records.partition_point(|record| record.at <= at);
        let mut newest = records[..before].iter().rev();
        let record = newest.clone().next().map(|record| record.offset);
        let document = newest.find(|record| !record.is_tombstone).map(|record| record.offset);
        Last { record, document }
    }

    fn of(&self, key: usize) -> MutexGuard<'_, Vec<Acknowledged>> {
        self.keys[key].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Writes to `keys` keys, of which the first `kept_keys` are never deleted.
    pub(crate) fn new(
        broker: &str,
        topic: &str,
        keys: usize,
        kept_keys: usize,
    ) -> anyhow::Result<Self> {
        let log = Arc::new(Log {
            keys: (0..keys).map(|_| Mutex::default()).collect(),
            refused: AtomicU64::new(0),
            count: AtomicU64::new(0),
        });
        let producer = ClientConfig::new()
            .set("bootstrap.servers", broker)
            .set("linger.ms", "20")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.messages", "500000")
            .create_with_context(Reports(Arc::clone(&log)))?;
        let (topic, random) = (topic.to_owned(), fastrand::Rng::with_seed(1));
        Ok(Self { producer, topic, log, random, kept_keys, sent: 0 })
    }

    pub(crate) fn log(&self) -> Arc<Log> {
        Arc::clone(&self.log)
    }

    /// Writes each key once.
    pub(crate) fn fill(&mut self) -> anyhow::Result<()> {
        for key in 0..self.log.keys.len() {
            self.send(key, false)?;
        }
        self.finish()
    }

    /// Writes `rate` records a second, to random keys, until `stop` is given or `records` are written.
    pub(crate) fn keep_writing(
        &mut self,
        rate: u64,
        records: u64,
        stop: &AtomicBool,
    ) -> anyhow::Result<()> {
        let (start, mut written) = (Instant::now(), 0);
        while written < records && !stop.load(Ordering::Relaxed) {
            let due = start.elapsed().as_millis() * u128::from(rate) / 1_000;
            while u128::from(written) < due && written < records {
                let key = self.random.usize(..self.log.keys.len());
                let is_deleted = key >= self.kept_keys && self.random.u8(..4) == 0;
                self.send(key, is_deleted)?;
                written += 1;
            }
            self.producer.poll(TICK);
        }
        self.finish()
    }

    fn send(&mut self, number: usize, is_deleted: bool) -> anyhow::Result<()> {
        let id = key(number);
        let document = format!(r#"{{"id":"{id}","number":{}}}"#, self.sent);
        let mut record = BaseRecord::<_, str, usize>::with_opaque_to(&self.topic, number).key(&id);
        record.payload = (!is_deleted).then_some(document.as_str());
        let start = Instant::now();
        while let Err((error, refused)) = self.producer.send(record) {
            let full = error == KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            ensure!(full && start.elapsed() < PATIENCE, "the broker takes no more: {error}");
            self.producer.poll(TICK);
            record = refused;
        }
        self.sent += 1;
        Ok(())
    }

    /// Waits until the broker has acknowledged all.
    fn finish(&self) -> anyhow::Result<()> {
        self.producer.flush(PATIENCE)?;
        let refused = self.log.refused.load(Ordering::Relaxed);
        ensure!(refused == 0, "the broker refused {refused} records");
        Ok(())
    }
}

/// Receives the delivery reports.
struct Reports(Arc<Log>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, key: usize) {
        match result {
            Ok(record) => {
                let is_tombstone = record.payload().is_none();
                let (at, offset) = (Instant::now(), record.offset());
                self.0.of(key).push(Acknowledged { at, offset, is_tombstone });
                self.0.count.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => drop(self.0.refused.fetch_add(1, Ordering::Relaxed)),
        }
    }
}
