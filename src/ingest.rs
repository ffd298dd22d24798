//! From Kafka into the tables, and the only module of the service that knows Kafka's client.
//!
//! The path of one record, in one turn of one thread:
//!
//! ```text
//! broker
//!   | librdkafka fetches into its buffer, of bounded size
//!   v
//! thread        polls: the next record, or what else the client reports
//!   | finds the topic by its name
//!   v
//! topic_reader  the topic, with its state (topic)
//!   |
//!   v
//! assignment    the partition (partition), and every table that the topic feeds
//!   | for each table
//!   v
//! apply         message -> pluck -> insert, remove or nothing -> outcome
//!   |
//!   v
//! books         counts the outcome, then moves the position
//! rejections    if it was rejected: the list of the last ones, a dead letter
//! ```
//!
//! A partition belongs to one thread, so its records are handled in order. Nothing is queued on the
//! way: a thread that cannot store does not poll, and the client's buffer fills up. Whatever waits
//! for a broker runs beside the poll threads (`broker_queries`), and its answers are applied to
//! the topic between two records.

mod apply;
mod assignment;
mod books;
mod broker_queries;
mod brokers;
mod client;
mod common_settings;
mod connection_check;
mod connection_fault;
mod context;
mod dead_letters;
mod leaders;
mod offsets;
mod outage;
mod partition;
mod pause_handle;
mod pending_offsets;
mod pluck_context;
mod read_access;
mod redaction;
mod rejections;
mod settings_check;
mod shared;
mod stall_watch;
mod statistics;
mod table_reports;
mod thread;
mod topic;
mod topic_reader;
mod topic_statuses;
mod wake_handle;

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

pub use apply::TableSource;
pub use client::{librdkafka_version, queue_bytes_at_worst};
pub use connection_check::check_connection;
pub use connection_check::report::{
    BrokerAddress, ConnectionReport, Sample, SampleEntry, SampleOutcome, TopicLog, TopicReport,
};
pub use pause_handle::PauseHandle;
pub use pluck_context::{ScratchAtWorst, scratch_at_worst};
pub use settings_check::check_settings;
pub use shared::IngestStats;
pub use statistics::statistics_bytes;
pub use wake_handle::WakeHandle;

use crate::clock::Clock;
use crate::config::Config;
use crate::health::Health;
use crate::heap::Account;
use client::create_consumer;
use shared::Shared;
use thread::IngestThread;

/// The running ingest threads.
pub struct Ingest {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Ingest {
    /// Starts the threads, charged to `account`. They wait for the brokers if they have to.
    ///
    /// # Errors
    ///
    /// When the system gives no thread, or librdkafka refuses a setting.
    pub fn start(
        config: &Config,
        clock: &Clock,
        sources: &[TableSource],
        health: &Arc<Health>,
        account: &Account,
    ) -> io::Result<Self> {
        let topics = sources.iter().map(|source| source.config.topic.as_str());
        let shared = Shared::new(config, clock.clone(), topics, health, account)?;
        let mut ingest = Self { shared: Arc::new(shared), threads: Vec::new() };
        for number in 0..config.ingest.threads {
            // Here and not on the thread, which has its own account: the memory is the client's.
            let consumer = create_consumer(config, &ingest.shared.outage);
            let consumer = consumer.map_err(io::Error::other)?;
            let shared = Arc::clone(&ingest.shared);
            let thread = IngestThread::new(number, consumer, sources, shared);
            let builder = Builder::new().name(format!("ingest-{number}"));
            ingest.threads.push(builder.spawn(move || thread.run())?);
        }
        Ok(ingest)
    }

    /// The handle to pause the stream with.
    pub fn pause_handle(&self) -> PauseHandle {
        self.shared.pause_handle.clone()
    }

    /// The handle to wake the Kafka clients with, after the system's clock was set back.
    pub fn wake_handle(&self) -> WakeHandle {
        self.shared.wake_handle.clone()
    }

    /// The handle to read every count with.
    pub fn stats(&self) -> IngestStats {
        IngestStats::new(&self.shared)
    }

    /// Asks the threads to end, and waits until their clients are closed.
    pub fn stop(mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            // A panic in there was reported by the thread itself.
            let _ = thread.join();
        }
        self.shared.rejections.flush();
    }
}

/// Threads do not outlive a service that failed to start or was dropped.
impl Drop for Ingest {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
