//! The Kafka client of one thread: its settings and what it tells besides records.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;

use super::dead_letter;
use crate::config::Config;

/// A consumer that belongs to one thread.
pub type Client = BaseConsumer<Context>;

/// Creates a client from the configuration. It does not wait for the broker.
///
/// # Errors
///
/// When librdkafka refuses a setting: it checks them only here.
pub fn create_client(config: &Config) -> KafkaResult<Client> {
    let mut settings = ClientConfig::new();
    settings.set_log_level(RDKafkaLogLevel::Info);
    settings.set("client.id", "millpond").set("isolation.level", "read_committed");
    for (name, value) in &config.kafka.properties {
        settings.set(name, value.expose());
    }
    settings
        .set("bootstrap.servers", &config.kafka.brokers)
        // A consumer needs one to assign, though nothing is ever committed to it.
        .set("group.id", "millpond")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A position that is not there is reported, and we decide where to go on.
        .set("auto.offset.reset", "error")
        .set("statistics.interval.ms", "1000")
        // The default of a second leaves a small queue empty for most of it.
        .set("fetch.queue.backoff.ms", "20");
    for (name, value) in Queues::of(config).settings() {
        settings.set(name, value.to_string());
    }
    settings.create_with_context(Context::default())
}

/// What librdkafka may hold at worst, over all threads, in bytes: full queues, and a
/// fetch in flight for each thread and broker, unpacked; and what waits to be a dead letter.
pub fn queue_bytes_at_worst(config: &Config) -> u64 {
    let queues = Queues::of(config);
    let in_flight = queues.fetch_bytes * UNPACKED_FACTOR * queues.brokers;
    (queues.queued_bytes + in_flight) * config.ingest.threads as u64
        + dead_letter::bytes_at_worst(config)
}

/// The version of librdkafka in this program.
pub fn librdkafka_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}

/// One thread's share of `kafka.fetch_buffer`.
#[derive(Debug, Clone, Copy)]
struct Queues {
    /// As many as are listed; Kafka may have more.
    brokers: u64,
    queued_bytes: u64,
    fetch_bytes: u64,
}

/// A fetch is counted as it comes, and its batches are unpacked all at once. Four times
/// is what JSON mostly packs to.
const UNPACKED_FACTOR: u64 = 4;
/// librdkafka raises a smaller limit to the size of the largest message by itself.
const MIN_FETCH_BYTES: u64 = 1_000_000;
/// Beyond this a fetch only takes memory.
const MAX_FETCH_BYTES: u64 = 50 << 20;
/// Below this the queue is empty for most of the time.
const MIN_QUEUED_BYTES: u64 = 256 << 10;
/// librdkafka spends about this much on a record beside its bytes, uncounted.
const BYTES_A_RECORD: u64 = 1024;

impl Queues {
    /// Half of the share is for the fetches in flight, unpacked, and the rest is queued.
    fn of(config: &Config) -> Self {
        let share_bytes = config.kafka.fetch_buffer.as_u64() / config.ingest.threads as u64;
        let brokers = config.kafka.brokers.split(',').count() as u64;
        let fetch_bytes = share_bytes / 2 / UNPACKED_FACTOR / brokers;
        let fetch_bytes = fetch_bytes.clamp(MIN_FETCH_BYTES, MAX_FETCH_BYTES);
        let in_flight_bytes = fetch_bytes * UNPACKED_FACTOR * brokers;
        let queued_bytes = share_bytes.saturating_sub(in_flight_bytes).max(MIN_QUEUED_BYTES);
        Self { brokers, queued_bytes, fetch_bytes }
    }

    fn settings(self) -> [(&'static str, u64); 4] {
        [
            ("queued.max.messages.kbytes", self.queued_bytes / 1024),
            ("queued.min.messages", (self.queued_bytes / BYTES_A_RECORD).clamp(100, 100_000)),
            ("fetch.max.bytes", self.fetch_bytes),
            ("fetch.message.max.bytes", self.fetch_bytes.min(1 << 20)),
        ]
    }
}

/// Keeps what librdkafka tells until the thread asks for it.
#[derive(Default)]
pub struct Context {
    has_statistics: AtomicBool,
    statistics: Mutex<Option<Statistics>>,
}

impl Context {
    /// The newest statistics, if there are any that were not taken yet.
    pub(super) fn take_statistics(&self) -> Option<Statistics> {
        if !self.has_statistics.swap(false, Ordering::Acquire) {
            return None;
        }
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Context {
    /// librdkafka repeats itself at every attempt, so its log is for debugging only.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        *self.statistics.lock().unwrap_or_else(PoisonError::into_inner) = Some(statistics);
        self.has_statistics.store(true, Ordering::Release);
    }

    /// Comes beside the error that the poll returns, which the thread handles, and
    /// says in librdkafka's words what it was.
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for Context {}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(queue: &str, threads: usize, brokers: &str) -> Config {
        let settings = [
            format!("kafka.brokers={brokers}"),
            format!("kafka.fetch_buffer={queue}"),
            format!("ingest.threads={threads}"),
            "tables.0.name=services".into(),
            "tables.0.topic=events".into(),
            "tables.0.key=/id".into(),
            "tables.0.fields.description=/description".into(),
            "tables.0.ttl=1h".into(),
        ];
        Config::load(None, [], &settings).unwrap()
    }

    #[test]
    fn the_queues_of_all_threads_stay_within_the_budget() {
        for (queue, threads, brokers) in [
            ("64MiB", 1, "a:1"),
            ("64MiB", 4, "a:1"),
            ("16MiB", 2, "a:1"),
            ("64MiB", 2, "a:1,b:2,c:3"),
        ] {
            let config = config(queue, threads, brokers);
            assert!(queue_bytes_at_worst(&config) <= config.kafka.fetch_buffer.as_u64(), "{queue}");
        }
    }

    #[test]
    fn a_budget_that_is_too_small_for_its_threads_is_stated_as_it_is() {
        assert!(queue_bytes_at_worst(&config("4MiB", 8, "a:1")) > 32 << 20);
    }

    #[test]
    fn many_small_records_do_not_take_memory_that_nobody_counts() {
        let queues = Queues::of(&config("16MiB", 2, "a:1"));
        let [_, (_, records), ..] = queues.settings();
        assert!(records * BYTES_A_RECORD <= queues.queued_bytes, "{records} records");
    }
}
