//! What the ingest threads share, and what the rest of the service reads of them.
//!
//! Every part guards itself, and none is locked for a record.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use parking_lot::RwLock;

use super::books::PartitionBooks;
use super::credentials::Credentials;
use super::outage::Outage;
use super::pause_handle::PauseHandle;
use super::rejections::Rejections;
use super::topic_statuses::{TopicStatuses, topic_note};
use super::wake_handle::WakeHandle;
use crate::clock::Clock;
use crate::config::Config;
use crate::health::Health;
use crate::heap::Account;
use crate::stats::{
    DeadLetterStats, KafkaStats, ListedRejection, Loading, PartitionStats, TopicStats,
};

/// How many open transactions are told of at a time.
const MAX_TRANSACTIONS: usize = 10;

pub(super) struct Shared {
    pub(super) config: Config,
    /// What the clients show of themselves, as the files hold it now.
    pub(super) credentials: ArcSwap<Credentials>,
    pub(super) clock: Clock,
    pub(super) health: Arc<Health>,
    pub(super) outage: Arc<Outage>,
    pub(super) statuses: TopicStatuses,
    pub(super) rejections: Arc<Rejections>,
    pub(super) account: Account,
    pub(super) pause_handle: PauseHandle,
    pub(super) wake_handle: WakeHandle,
    is_stopping: AtomicBool,
    /// In the order in which they are listed.
    books: RwLock<Vec<Arc<PartitionBooks>>>,
}

impl Shared {
    pub(super) fn new<'a>(
        config: &Config,
        clock: Clock,
        topics: impl Iterator<Item = &'a str>,
        health: &Arc<Health>,
        account: &Account,
    ) -> io::Result<Self> {
        let outage = Arc::new(Outage::new(&config.kafka.brokers));
        let credentials = Credentials::read(&config.kafka).map_err(io::Error::other)?;
        Ok(Self {
            config: config.clone(),
            clock,
            health: Arc::clone(health),
            statuses: TopicStatuses::new(topics),
            rejections: Arc::new(Rejections::new(config, &credentials, &outage)?),
            credentials: ArcSwap::from_pointee(credentials),
            outage,
            account: account.clone(),
            pause_handle: PauseHandle::default(),
            wake_handle: WakeHandle::default(),
            is_stopping: AtomicBool::new(false),
            books: RwLock::new(Vec::new()),
        })
    }

    /// Asks the threads to end.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Adds the books of partitions that are read from now on.
    pub(super) fn publish(&self, books: impl IntoIterator<Item = Arc<PartitionBooks>>) {
        let mut published = self.books.write();
        published.extend(books);
        published.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    }

    /// The books of each partition, by table, topic and partition.
    pub(super) fn partitions(&self) -> Vec<PartitionStats> {
        self.books.read().iter().map(|books| books.stats()).collect()
    }

    /// What keeps the stream from being read, in a line each.
    pub(super) fn notes(&self) -> Vec<String> {
        let note = |topic: TopicStats| {
            let note = topic_note(topic.status)?;
            Some(format!("topic {}: {note}", topic.topic))
        };
        let kafka = self.outage.note().into_iter().chain(self.rejections.dead_letter_note());
        let topics = self.statuses.stats().into_iter().filter_map(note);
        kafka.chain(topics).chain(self.awaited_transactions()).collect()
    }

    /// The open transactions that loading waits for, in a line each: the first few.
    pub(super) fn awaited_transactions(&self) -> Vec<String> {
        let books = self.books.read();
        let awaited = books.iter().filter_map(|books| books.awaited_transaction());
        awaited.take(MAX_TRANSACTIONS).collect()
    }

    /// Logs how far each table is that is loading.
    pub(super) fn log_loading(&self) {
        let books = self.books.read();
        for (table, loading) in
            Loading::sum_by_table(books.iter().filter_map(|each| each.loading()))
        {
            tracing::info!(
                table,
                done_records = loading.done_records,
                remaining_records = loading.remaining_records,
                records_per_second = loading.records_per_second(),
                seconds_left = loading.time_left().map(|left| left.as_secs()),
                "loading"
            );
        }
    }
}

/// Reads what ingest counts. Clones read the same counts, also after ingest has stopped.
#[derive(Clone)]
pub struct IngestStats(Arc<Shared>);

impl IngestStats {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }

    /// The books of each partition, by table, topic and partition.
    pub fn partitions(&self) -> Vec<PartitionStats> {
        self.0.partitions()
    }

    /// How each topic was found last, in the order of the configuration.
    pub fn topics(&self) -> Vec<TopicStats> {
        self.0.statuses.stats()
    }

    /// The brokers, and whether they answer.
    pub fn kafka(&self) -> KafkaStats {
        self.0.outage.stats()
    }

    /// The records that were rejected last, the newest first.
    pub fn rejections(&self) -> Vec<ListedRejection> {
        self.0.rejections.list()
    }

    /// How many dead letters were delivered, and how many were lost.
    pub fn dead_letters(&self) -> DeadLetterStats {
        self.0.rejections.dead_letter_stats()
    }
}
