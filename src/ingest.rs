//! From Kafka into the tables, and the only module of the service that knows Kafka's client.
//!
//! The path of one record, in one turn of one thread:
//!
//! ```text
//! broker
//!   | librdkafka fetches into its buffer, of bounded size
//!   v
//! thread        polls: the next record, or what else the client reports
//!   | topics finds the topic by its name
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
//! for a broker runs beside the poll threads, over a client of its own (`query_client`). The
//! answers (`broker_queries`) are applied to the topic between two records.

mod apply;
mod assignment;
mod batch;
mod books;
mod broker_queries;
mod brokers;
mod client;
mod client_closer;
mod client_threads;
mod common_settings;
mod connection_check;
mod connection_fault;
mod context;
mod credential_watch;
mod credentials;
mod dead_letters;
mod leaders;
mod list_offsets;
mod offsets;
mod outage;
mod partition;
mod pause_handle;
mod pending_offsets;
mod pluck_limits;
mod query_client;
mod query_consumer;
mod read_access;
mod redaction;
mod rejections;
mod sample;
mod settings_check;
mod shared;
mod stall_watch;
mod statistics;
mod table_reports;
mod thread;
mod topic;
mod topic_ids;
mod topic_reader;
mod topic_statuses;
mod topics;
mod trial;
mod wake_handle;

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

pub use apply::TableSource;
pub use client::{librdkafka_version, queue_bytes_at_worst};
pub use client_threads::try_out_client_threads;
pub use connection_check::report::{BrokerAddress, ConnectionReport, TopicLog, TopicReport};
pub use connection_check::{check_connection, last_records};
pub use pause_handle::PauseHandle;
pub use pluck_limits::scratch_bytes;
pub use sample::{Sample, SampleEntry, SampleOutcome};
pub use settings_check::check_settings;
pub use shared::IngestStats;
pub use statistics::statistics_bytes;
pub use trial::{Trial, TrialRecord, Tried};
pub use wake_handle::WakeHandle;

use crate::clock::Clock;
use crate::config::Config;
use crate::health::Health;
use crate::heap::Account;
use client::{Client, create_consumer};
use client_closer::ClientCloser;
use credential_watch::CredentialWatch;
use query_client::QueryClient;
use query_consumer::create_query_consumer;
use shared::Shared;
use thread::IngestThread;

/// The running ingest threads.
pub struct Ingest {
    shared: Arc<Shared>,
    query_client: QueryClient,
    credential_watch: CredentialWatch,
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
        let shared = Arc::new(shared);
        // Here and not on the threads, which have their own account: the memory is the clients'.
        try_out_client_threads(config)?;
        let credentials = shared.credentials.load_full();
        let query_consumer = create_query_consumer(config, &credentials, &shared.outage);
        let query_client = QueryClient::start(query_consumer.map_err(io::Error::other)?)?;
        let closer = Arc::new(ClientCloser::start()?);
        let credential_watch = CredentialWatch::start(&shared, query_client.handle())?;
        let mut ingest = Self { shared, query_client, credential_watch, threads: Vec::new() };
        for number in 0..config.ingest.threads.get() {
            try_out_client_threads(config)?;
            let consumer = create_consumer(config, &credentials, &ingest.shared.outage);
            let client = Client::new(consumer.map_err(io::Error::other)?, Arc::clone(&closer));
            let queries = ingest.query_client.handle();
            let shared = Arc::clone(&ingest.shared);
            let thread = IngestThread::new(number, client, queries, sources, shared);
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

    /// Asks the threads to end, and waits until their clients are closed. It waits for no broker.
    pub fn stop(mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            // A panic in there was reported by the thread itself.
            let _ = thread.join();
        }
        self.credential_watch.stop();
        self.query_client.stop();
        self.shared.rejections.flush();
    }
}

/// Threads do not outlive a service that failed to start or was dropped.
impl Drop for Ingest {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
