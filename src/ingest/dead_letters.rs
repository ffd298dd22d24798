//! Hands rejected records on to dead-letter topics, each with headers that say why.
//!
//! One producer for all threads. It never waits: a record that does not fit into its small queue
//! is dropped and counted, because reading on matters more. It must not know tables.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaResult;
use rdkafka::message::{
    BorrowedHeaders, BorrowedMessage, DeliveryResult, Header, Message as _, OwnedHeaders,
};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::config::Config;
use crate::heap::Account;
use crate::stats::{DeadLetterStats, Rejection};

/// How many bytes of records may wait for a broker.
const QUEUE_BYTES: u64 = 1 << 20;
/// The queue twice, because records are copied to be sent, and librdkafka's bookkeeping.
const BYTES_AT_WORST: u64 = 4 << 20;
const QUEUE_RECORDS: &str = "1000";
/// How long the records that wait at the end may take.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the thread that polls the producer waits for what has become of records.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

pub(super) struct DeadLetters {
    /// None where no dead-letter topic is configured.
    producer: Option<PolledProducer>,
}

/// A producer, and the thread that polls it, which ends when this is dropped. The threads of
/// rdkafka's own kind of it panic where the system gives none.
struct PolledProducer {
    producer: Arc<BaseProducer<DeliveryCounts>>,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct DeliveryCounts {
    delivered: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

/// The memory that dead letters take at worst.
pub(super) fn bytes_at_worst(config: &Config) -> u64 {
    if is_configured(config) { BYTES_AT_WORST } else { 0 }
}

fn is_configured(config: &Config) -> bool {
    config.tables.iter().any(|table| config.dead_letter_of(table).is_some())
}

impl DeadLetters {
    /// Creates the producer, if a dead-letter topic is configured. It does not wait for the broker.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a setting, or the system gives no thread.
    pub(super) fn new(config: &Config) -> io::Result<Self> {
        let producer = is_configured(config)
            .then(|| Account::of_unbound_threads().charge(|| PolledProducer::start(config)));
        Ok(Self { producer: producer.transpose()? })
    }

    /// Hands a rejected record on to `topic`.
    pub(super) fn send(&self, topic: &str, message: &BorrowedMessage<'_>, rejection: &Rejection) {
        let Some(PolledProducer { producer, .. }) = &self.producer else { return };
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).headers(headers(message, rejection));
        (record.key, record.payload) = (message.key(), message.payload());
        record.timestamp = message.timestamp().to_millis();
        if producer.send(record).is_err() {
            producer.context().dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn stats(&self) -> DeadLetterStats {
        let Some(polled) = &self.producer else { return DeadLetterStats::default() };
        let counts = polled.producer.context();
        DeadLetterStats {
            delivered_count: counts.delivered.load(Ordering::Relaxed),
            dropped_count: counts.dropped.load(Ordering::Relaxed),
            failed_count: counts.failed.load(Ordering::Relaxed),
        }
    }

    /// Waits a moment until brokers have taken the records that are queued.
    pub(super) fn flush(&self) {
        if let Some(PolledProducer { producer, .. }) = &self.producer
            && let Err(error) = producer.flush(FLUSH_TIMEOUT)
        {
            tracing::warn!(%error, "not all dead letters were taken");
        }
    }
}

impl PolledProducer {
    fn start(config: &Config) -> io::Result<Self> {
        let producer = Arc::new(create_producer(config).map_err(io::Error::other)?);
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (polled, asked) = (Arc::clone(&producer), Arc::clone(&is_stopping));
        let thread = Builder::new().name("dead-letters".into()).spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                polled.poll(POLL_TIMEOUT);
            }
        })?;
        Ok(Self { producer, is_stopping, thread: Some(thread) })
    }
}

impl Drop for PolledProducer {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The thread itself has reported its panic.
            let _ = thread.join();
        }
    }
}

fn create_producer(config: &Config) -> KafkaResult<BaseProducer<DeliveryCounts>> {
    let mut settings = ClientConfig::new();
    settings.set_log_level(RDKafkaLogLevel::Info).set("client.id", "millpond");
    for (name, value) in &config.kafka.properties {
        settings.set(name, value.expose());
    }
    settings
        .set("bootstrap.servers", &config.kafka.brokers)
        .set("queue.buffering.max.messages", QUEUE_RECORDS)
        .set("queue.buffering.max.kbytes", (QUEUE_BYTES / 1024).to_string())
        .set("message.timeout.ms", "30000")
        .create_with_context(DeliveryCounts::default())
}

/// The record's own headers, and then ours.
fn headers(message: &BorrowedMessage<'_>, rejection: &Rejection) -> OwnedHeaders {
    let theirs = message.headers().map_or_else(OwnedHeaders::new, BorrowedHeaders::detach);
    let (partition, offset) = (rejection.partition.to_string(), rejection.offset.to_string());
    let ours = [
        ("millpond-reason", rejection.reason.name()),
        ("millpond-table", &rejection.table),
        ("millpond-topic", &rejection.topic),
        ("millpond-partition", &partition),
        ("millpond-offset", &offset),
    ];
    ours.into_iter()
        .fold(theirs, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}

impl ClientContext for DeliveryCounts {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, message);
    }
}

impl ProducerContext for DeliveryCounts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.delivered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
