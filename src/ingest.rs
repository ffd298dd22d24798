//! From Kafka into the tables: poll, pluck, store, drop, in one turn.
//!
//! Some threads, each with one consumer and its own share of the partitions, so a
//! partition is always one thread's and in order. Nothing is queued in between: a
//! thread that cannot store does not poll, and that is the back-pressure. The only
//! module that knows rdkafka.

mod bootstrap;
mod consumer;
mod dead_letter;
mod loading;
mod outage;
mod pause_handle;
mod pluck_context;
mod position;
mod realign;
mod rejected;
mod rejections;
mod share;
mod table_source;
mod tally;
mod topics;
mod watchdog;
mod watermarks;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::{io, thread};

use parking_lot::Mutex;

pub use consumer::{Client, create_client, librdkafka_version, queue_bytes_at_worst};
pub use pause_handle::PauseHandle;
pub use pluck_context::{ScratchAtWorst, scratch_at_worst};
pub use table_source::TableSource;

use crate::config::Config;
use crate::health::Health;
use crate::heap::Account;
use crate::stats::{DeadLetterStats, PartitionStats, Rejection, TopicStats};
use outage::Outage;
use position::Position;
use rejected::Rejected;
use topics::Topics;
use worker::Worker;

/// What every ingest thread shares.
struct Shared {
    config: Config,
    health: Arc<Health>,
    outage: Arc<Outage>,
    topics: Topics,
    rejected: Arc<Rejected>,
    account: Account,
    pause_handle: PauseHandle,
    stopping: AtomicBool,
    /// Held by the one thread that may pluck a large document.
    large_document_lock: Arc<Mutex<()>>,
    positions: RwLock<Vec<Arc<Position>>>,
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn partition_stats(&self) -> Vec<PartitionStats> {
        let positions = self.positions.read().unwrap_or_else(PoisonError::into_inner);
        positions.iter().map(|position| position.stats()).collect()
    }

    fn publish(&self, positions: impl IntoIterator<Item = Arc<Position>>) {
        let mut published = self.positions.write().unwrap_or_else(PoisonError::into_inner);
        published.extend(positions);
        published.sort_by(|a, b| a.place().cmp(&b.place()));
    }
}

/// The running ingest threads.
pub struct Ingest {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Ingest {
    /// Starts the threads, charged to `account`; they wait for the broker if they have to.
    ///
    /// # Errors
    ///
    /// When the system gives no thread, or librdkafka refuses a setting.
    pub fn start(
        config: &Config,
        sources: &[TableSource],
        health: &Arc<Health>,
        account: &Account,
    ) -> io::Result<Self> {
        let rejected = Rejected::new(config).map_err(io::Error::other)?;
        let shared = Arc::new(Shared {
            config: config.clone(),
            health: Arc::clone(health),
            outage: Arc::new(Outage::new(&config.kafka.brokers)),
            rejected: Arc::new(rejected),
            topics: Topics::new(sources.iter().map(|source| source.source.topic.as_str())),
            account: account.clone(),
            pause_handle: PauseHandle::default(),
            stopping: AtomicBool::new(false),
            large_document_lock: Arc::default(),
            positions: RwLock::new(Vec::new()),
        });
        let mut ingest = Self { shared, threads: Vec::new() };
        for number in 0..config.ingest.threads {
            let worker = Worker::new(number, Arc::clone(&ingest.shared), sources);
            let thread = thread::Builder::new().name(format!("ingest-{number}"));
            ingest.threads.push(thread.spawn(move || worker.run())?);
        }
        Ok(ingest)
    }

    /// Pauses the stream and lets it go on.
    pub fn pause_handle(&self) -> PauseHandle {
        self.shared.pause_handle.clone()
    }

    /// Reads each partition's books, by table, topic and partition.
    pub fn reader(&self) -> impl Fn() -> Vec<PartitionStats> + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.partition_stats()
    }

    /// Reads how each topic was found, in the order of the configuration.
    pub fn topics_reader(&self) -> impl Fn() -> Vec<TopicStats> + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.topics.stats()
    }

    /// Reads the records that were rejected last, the newest first.
    pub fn rejections_reader(&self) -> impl Fn() -> Vec<Rejection> + Send + Sync + 'static {
        let rejected = Arc::clone(&self.shared.rejected);
        move || rejected.last.list()
    }

    /// Reads what became of dead letters.
    pub fn dead_letters_reader(&self) -> impl Fn() -> DeadLetterStats + Send + Sync + 'static {
        let rejected = Arc::clone(&self.shared.rejected);
        move || rejected.dead_letters.stats()
    }

    /// Asks the threads to end and waits until their consumers are closed.
    pub fn stop(mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic in there was reported by the thread itself.
            let _ = thread.join();
        }
        self.shared.rejected.dead_letters.flush();
    }
}

/// Threads do not outlive a service that failed to start or was dropped.
impl Drop for Ingest {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }
}
