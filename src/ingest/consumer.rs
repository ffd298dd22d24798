//! The Kafka client of one thread: its settings and what it tells besides records.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;

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
        // Where retention cut the log below our position, go on from what is left.
        .set("auto.offset.reset", "earliest")
        .set("statistics.interval.ms", "1000")
        // The default of a second leaves a small queue empty for most of it.
        .set("fetch.queue.backoff.ms", "20");
    for (name, value) in queue_settings(config.kafka.queue.as_u64(), config.ingest.threads) {
        settings.set(name, value.to_string());
    }
    settings.create_with_context(Context::default())
}

/// What librdkafka may hold at worst, over all threads, in bytes: full queues and a
/// fetch in flight for each thread. Each further broker may add a fetch a thread.
pub fn queue_bytes_at_worst(config: &Config) -> u64 {
    let threads = config.ingest.threads;
    let [(_, queued_kib), _, (_, fetch), _] = queue_settings(config.kafka.queue.as_u64(), threads);
    (queued_kib * 1024 + fetch) * threads as u64
}

/// The version of librdkafka in this program.
pub fn librdkafka_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}

/// One thread's half of the budget is for what is queued, the other for the fetch
/// in flight.
fn queue_settings(budget_bytes: u64, threads: usize) -> [(&'static str, u64); 4] {
    /// librdkafka spends about this much on a record beside its bytes, uncounted.
    const BYTES_A_RECORD: u64 = 1024;
    let half = budget_bytes / threads as u64 / 2;
    let fetch_bytes = half.clamp(MIN_FETCH_BYTES, MAX_FETCH_BYTES);
    [
        ("queued.max.messages.kbytes", (half / 1024).max(1)),
        ("queued.min.messages", (half / BYTES_A_RECORD).clamp(100, 100_000)),
        ("fetch.max.bytes", fetch_bytes),
        ("fetch.message.max.bytes", fetch_bytes.min(1 << 20)),
    ]
}

/// librdkafka raises a smaller limit to the size of the largest message by itself.
const MIN_FETCH_BYTES: u64 = 1_000_000;
/// Beyond this a fetch only takes memory.
const MAX_FETCH_BYTES: u64 = 50 << 20;

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

    #[test]
    fn the_queues_of_all_threads_stay_within_the_budget() {
        for (budget, threads) in [(64 << 20, 1), (64 << 20, 4), (8 << 20, 2)] {
            let [(_, queued_kib), _, (_, fetch), (_, partition)] = queue_settings(budget, threads);
            assert!((queued_kib * 1024 + fetch) * threads as u64 <= budget);
            assert!(partition <= fetch);
        }
    }

    #[test]
    fn many_small_records_do_not_take_memory_that_nobody_counts() {
        let [_, (_, records), ..] = queue_settings(8 << 20, 2);
        assert!(records <= 2048, "{records} records with their bookkeeping");
    }
}
