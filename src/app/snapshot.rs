//! Puts a snapshot of the service together: each part reports on itself, and the readers here
//! ask them all. Nothing is stored between two snapshots.

use std::sync::Arc;
use std::time::Instant;

use super::counter_check::CounterCheck;
use super::memory_governor::GovernorStateReader;
use super::process;
use super::reserves;
use crate::clock::Clock;
use crate::config::Config;
use crate::health::{Health, TableHealth};
use crate::ingest::{self, IngestStats};
use crate::memory::{Accounts, ExpectedBytes, Finding, Usage};
use crate::record::Timestamp;
use crate::rpc::{Callers, Net};
use crate::stats::{Freshness, MemoryStats, RpcStats, Snapshot};
use crate::table::Table;
use crate::telemetry::otlp::ExportReader;
use crate::tls::Tls;

/// Reads where the process's memory is.
pub(super) struct MemoryReader {
    pub(super) accounts: Accounts,
    pub(super) governor: GovernorStateReader,
}

impl MemoryReader {
    pub(super) fn read(&self) -> MemoryStats {
        let state = self.governor.read();
        MemoryStats {
            census: self.accounts.census(),
            limit_bytes: state.limit().bytes,
            current_bytes: Usage::against(state.limit()).bytes().unwrap_or(0),
            pressure: state.pressure,
            budget: state.budget.lines().cloned().collect(),
        }
    }
}

/// Reads what callers have open, and what they make the service hold.
pub(super) struct RpcReader {
    net: Net,
    callers: Callers,
    tls: Option<Tls>,
}

impl RpcReader {
    pub(super) fn new(net: Net, callers: Callers, tls: Option<Tls>) -> Self {
        Self { net, callers, tls }
    }

    fn read(&self) -> RpcStats {
        let Callers { pool, access, costs } = &self.callers;
        RpcStats {
            connections: self.net.stats(),
            pool: pool.stats(),
            tls: self.tls.as_ref().map(Tls::stats),
            access: access.stats(),
            callers: costs.read(),
            calls: self.net.calls(),
        }
    }
}

/// The readers of what is not a part of the data flow.
pub(super) struct Readers {
    pub(super) memory: Arc<MemoryReader>,
    pub(super) rpc: RpcReader,
    pub(super) admin_tls: Option<Tls>,
    pub(super) export: Option<ExportReader>,
}

/// Reads the whole service.
pub(super) struct SnapshotReader {
    started: Timestamp,
    built: Instant,
    clock: Clock,
    config_digest: String,
    readers: Readers,
    health: Arc<Health>,
    tables: Vec<Arc<Table>>,
    reserves: Vec<ExpectedBytes>,
    counter_check: Arc<CounterCheck>,
    ingest: IngestStats,
}

impl SnapshotReader {
    pub(super) fn new(
        config: &Config,
        clock: Clock,
        readers: Readers,
        health: Arc<Health>,
        tables: Vec<Arc<Table>>,
        counter_check: Arc<CounterCheck>,
        ingest: IngestStats,
    ) -> Self {
        Self {
            started: Timestamp::now(),
            built: Instant::now(),
            clock,
            config_digest: config.digest(),
            reserves: reserves::reserves(config),
            readers,
            health,
            tables,
            counter_check,
            ingest,
        }
    }

    pub(super) fn read(&self) -> Snapshot {
        // The order matters. A service that is ready has handled its backlog, so the partitions
        // read after that show it as handled, and the tables read last contain it.
        let ready = self.health.is_ready();
        let partitions = self.ingest.partitions();
        let memory = self.readers.memory.read();
        let expected = reserves::expected(&self.tables, &self.reserves);
        Snapshot {
            started: self.started,
            uptime: self.built.elapsed(),
            config_digest: self.config_digest.clone(),
            librdkafka_version: ingest::librdkafka_version(),
            ready,
            unexplained_memory: Finding::unexplained(&memory.census, &expected),
            memory,
            tables: self.tables.iter().map(|table| table.stats()).collect(),
            freshness: self.tables.iter().map(|table| self.freshness(table.name())).collect(),
            partitions,
            topics: self.ingest.topics(),
            kafka: self.ingest.kafka(),
            rpc: self.readers.rpc.read(),
            admin_tls: self.readers.admin_tls.as_ref().map(Tls::stats),
            dead_letters: self.ingest.dead_letters(),
            counter_check: self.counter_check.last(),
            clock: self.clock.stats(),
            process: process::read(),
            export: self.readers.export.as_ref().map(ExportReader::read).unwrap_or_default(),
        }
    }

    fn freshness(&self, table: &str) -> Freshness {
        let health = self.health.table(table);
        let staleness = health.and_then(|health| health.staleness(Instant::now()));
        Freshness { is_ready: health.is_some_and(TableHealth::is_ready), staleness }
    }
}
