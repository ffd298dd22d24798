//! Puts together what the service says of itself: snapshots, and what a reclaim shows.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::runtime::Handle;

use super::books::Books;
use super::memory_governor::MemoryGovernor;
use super::needs;
use super::reclaim::Reclaimer;
use crate::config::Config;
use crate::health::Health;
use crate::ingest::{self, Ingest};
use crate::memory::{Accounts, Explained, MemoryType, Usage};
use crate::record::Timestamp;
use crate::rpc::{Reclaim, TakeSnapshot};
use crate::stats::{MemoryStats, Snapshot};
use crate::table::Table;

/// What is read, beside the running parts.
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) accounts: Accounts,
    pub(super) rpc_threads: Handle,
}

type ReadMemory = Arc<dyn Fn() -> MemoryStats + Send + Sync>;

impl Parts<'_> {
    pub(super) fn readers(
        self,
        governor: &MemoryGovernor,
        health: &Arc<Health>,
        tables: &[Arc<Table>],
        books: &Arc<Books>,
        ingest: &Ingest,
    ) -> (TakeSnapshot, Reclaim) {
        let memory = read_memory(self.accounts, governor);
        let reclaimer = Reclaimer {
            memory: Arc::clone(&memory),
            tables: tables.to_vec(),
            set_aside: set_aside(self.config),
            rpc_threads: self.rpc_threads,
            one_at_a_time: Mutex::new(()),
        };
        let snapshot = snapshot(self.config, memory, health, tables, books, ingest);
        (snapshot, Arc::new(move || reclaimer.reclaim()))
    }
}

fn read_memory(accounts: Accounts, governor: &MemoryGovernor) -> ReadMemory {
    let kept = governor.reader();
    Arc::new(move || {
        let kept = kept();
        MemoryStats {
            census: accounts.census(),
            limit_bytes: kept.limit().bytes,
            current_bytes: Usage::against(kept.limit()).bytes().unwrap_or(0),
            pressure: kept.pressure,
            budget: kept.budget.lines().cloned().collect(),
        }
    })
}

/// What the budget sets aside for each type that is no table.
fn set_aside(config: &Config) -> Vec<Explained> {
    let needs = needs(config);
    let types = [
        (MemoryType::Ingest, needs.large_document_bytes + needs.small_bytes),
        (MemoryType::KafkaClient, needs.kafka_bytes),
        (MemoryType::Rpc, config.rpc.buffer.as_u64()),
    ];
    types.map(|(memory_type, bytes)| Explained { memory_type, bytes }).into()
}

fn snapshot(
    config: &Config,
    memory: ReadMemory,
    health: &Arc<Health>,
    tables: &[Arc<Table>],
    books: &Arc<Books>,
    ingest: &Ingest,
) -> TakeSnapshot {
    let (started, clock, config_digest) = (Timestamp::now(), Instant::now(), config.digest());
    let (health, tables, books) = (Arc::clone(health), tables.to_vec(), Arc::clone(books));
    let (partitions, topics) = (ingest.reader(), ingest.topics_reader());
    let dead_letters = ingest.dead_letters_reader();
    Arc::new(move || {
        // In this order: who is ready has handled its backlog, and the tables have what was
        // handled.
        let ready = health.is_ready();
        let partitions = partitions();
        Snapshot {
            started,
            uptime: clock.elapsed(),
            config_digest: config_digest.clone(),
            librdkafka_version: ingest::librdkafka_version(),
            ready,
            memory: memory(),
            tables: tables.iter().map(|table| table.stats()).collect(),
            partitions,
            topics: topics(),
            dead_letters: dead_letters(),
            books: books.last(),
        }
    })
}
