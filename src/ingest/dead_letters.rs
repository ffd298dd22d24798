//! Hands rejected records on to dead-letter topics, each with headers that say why.
//!
//! One producer for all threads. It never waits: a record that does not fit into its small queue
//! is dropped and counted, because reading on matters more. A topic that takes no dead letters is
//! logged once a minute. It must not know tables.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::message::{
    BorrowedHeaders, BorrowedMessage, DeliveryResult, Header, Message as _, OwnedHeaders,
};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::client_threads::try_out_client_threads;
use super::common_settings::common_settings;
use super::context::observe_log;
use super::credentials::Credentials;
use super::outage::Outage;
use super::redaction::Redaction;
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
/// How often failed deliveries are logged.
const LOG_AFTER: Duration = Duration::from_secs(60);

/// How long the thread that polls the producer waits for what has become of records.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

pub(super) struct DeadLetters {
    /// None where no dead-letter topic is configured.
    producer: Option<ArcSwap<PolledProducer>>,
    counts: Arc<Counts>,
}

/// A producer, and the thread that polls it, which ends when this is dropped. The threads of
/// rdkafka's own kind of it panic where the system gives none.
struct PolledProducer {
    producer: Arc<BaseProducer<Deliveries>>,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Notes what became of the records that one producer was given.
struct Deliveries {
    outage: Arc<Outage>,
    redaction: Redaction,
    counts: Arc<Counts>,
}

/// What became of the records that were handed on, by all producers.
#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    failure: Mutex<Failure>,
}

/// The last delivery, if it failed.
#[derive(Debug, Default)]
struct Failure {
    note: Option<String>,
    /// When a failure was logged last.
    logged: Option<Instant>,
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
    pub(super) fn new(
        config: &Config,
        credentials: &Credentials,
        outage: &Arc<Outage>,
    ) -> io::Result<Self> {
        let counts = Arc::default();
        let start = || PolledProducer::start(config, credentials, outage, &counts);
        let producer = is_configured(config).then(|| Account::of_unbound_threads().charge(start));
        let producer = producer.transpose()?.map(ArcSwap::from_pointee);
        Ok(Self { producer, counts })
    }

    /// Goes on with a producer that has these credentials. Waits a moment for what the one before has
    /// queued.
    ///
    /// # Errors
    ///
    /// As for a new one. Then the one before stays.
    pub(super) fn renew(
        &self,
        config: &Config,
        credentials: &Credentials,
        outage: &Arc<Outage>,
    ) -> io::Result<()> {
        let Some(producer) = &self.producer else { return Ok(()) };
        let start = || PolledProducer::start(config, credentials, outage, &self.counts);
        let new = Account::of_unbound_threads().charge(start)?;
        // A thread that reads and still has it for a record gives it back long before it is flushed.
        producer.swap(Arc::new(new)).flush();
        Ok(())
    }

    /// Hands a rejected record on to `topic`.
    pub(super) fn send(&self, topic: &str, message: &BorrowedMessage<'_>, rejection: &Rejection) {
        let Some(producer) = &self.producer else { return };
        let polled = producer.load();
        let producer = &polled.producer;
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).headers(headers(message, rejection));
        (record.key, record.payload) = (message.key(), message.payload());
        record.timestamp = message.timestamp().to_millis();
        if producer.send(record).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn stats(&self) -> DeadLetterStats {
        let counts = &self.counts;
        DeadLetterStats {
            delivered_count: counts.delivered.load(Ordering::Relaxed),
            dropped_count: counts.dropped.load(Ordering::Relaxed),
            failed_count: counts.failed.load(Ordering::Relaxed),
        }
    }

    /// Why the last record was not delivered, in a line; none if it was.
    pub(super) fn note(&self) -> Option<String> {
        self.counts.failure.lock().note.clone()
    }

    /// Waits a moment until brokers have taken the records that are queued.
    pub(super) fn flush(&self) {
        if let Some(producer) = &self.producer {
            producer.load_full().flush();
        }
    }
}

impl PolledProducer {
    fn start(
        config: &Config,
        credentials: &Credentials,
        outage: &Arc<Outage>,
        counts: &Arc<Counts>,
    ) -> io::Result<Self> {
        try_out_client_threads(config)?;
        let deliveries = Deliveries {
            outage: Arc::clone(outage),
            redaction: Redaction::of(config, credentials),
            counts: Arc::clone(counts),
        };
        let producer = producer_settings(config, credentials).create_with_context(deliveries);
        let producer: Arc<BaseProducer<_>> = Arc::new(producer.map_err(io::Error::other)?);
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (polled, asked) = (Arc::clone(&producer), Arc::clone(&is_stopping));
        let thread = Builder::new().name("dead-letters".into()).spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                polled.poll(POLL_TIMEOUT);
            }
        })?;
        Ok(Self { producer, is_stopping, thread: Some(thread) })
    }

    fn flush(&self) {
        if let Err(error) = self.producer.flush(FLUSH_TIMEOUT) {
            tracing::warn!(%error, "not all dead letters were taken");
        }
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

/// The settings of the producer; none if there is none.
pub(super) fn settings(config: &Config, credentials: &Credentials) -> Option<ClientConfig> {
    is_configured(config).then(|| producer_settings(config, credentials))
}

fn producer_settings(config: &Config, credentials: &Credentials) -> ClientConfig {
    let mut settings = common_settings(config, credentials, &[]);
    settings
        .set("queue.buffering.max.messages", QUEUE_RECORDS)
        .set("queue.buffering.max.kbytes", (QUEUE_BYTES / 1024).to_string())
        .set("message.timeout.ms", "30000")
        // A topic that is missing is not waited for as long as a broker.
        .set("topic.metadata.propagation.max.ms", "5000");
    settings
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

impl Deliveries {
    fn count_failed(&self, topic: &str, error: &KafkaError) {
        let failed_count = 1 + self.counts.failed.fetch_add(1, Ordering::Relaxed);
        let reason = self.redaction.hide(&error.to_string());
        let mut failure = self.counts.failure.lock();
        failure.note = Some(format!("dead-letter topic {topic} takes no records: {reason}"));
        if failure.logged.is_none_or(|logged| logged.elapsed() >= LOG_AFTER) {
            failure.logged = Some(Instant::now());
            tracing::warn!(
                topic,
                reason,
                failed_count,
                "the dead-letter topic takes no records: see whether it exists and grant us Write \
                 on it"
            );
        }
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        observe_log(&self.outage, &self.redaction, level, facility, message);
    }

    /// Its log says the same.
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.counts.delivered.fetch_add(1, Ordering::Relaxed);
                self.counts.failure.lock().note = None;
            }
            Err((error, message)) => self.count_failed(message.topic(), error),
        }
    }
}
