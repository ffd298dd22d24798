//! A snapshot for unit tests: a service with one table and one partition that has done nothing yet.

use std::time::Duration;

use super::*;
use crate::memory::{Census, MemoryType, Pressure, TypeBytes};
use crate::table::{MissKind, Removals};

impl Snapshot {
    /// A service that has done nothing yet, with a table "services" and one partition.
    pub(crate) fn example() -> Self {
        Self {
            started: Timestamp::from_millis(1_700_000_000_000),
            uptime: Duration::from_secs(1),
            config_digest: "0123".into(),
            librdkafka_version: "2.12.1".into(),
            ready: false,
            memory: memory(),
            tables: vec![table("services")],
            freshness: vec![Freshness::default()],
            partitions: vec![partition("services")],
            topics: Vec::new(),
            kafka: KafkaStats::default(),
            rpc: rpc(),
            admin_tls: None,
            dead_letters: DeadLetterStats::default(),
            counter_check: CounterCheckStats::default(),
            clock: ClockStats::default(),
            process: ProcessStats::default(),
            export: ExportStats::default(),
            unexplained_memory: Vec::new(),
        }
    }
}

fn memory() -> MemoryStats {
    let types = [MemoryType::Table("services".into()), MemoryType::Ingest, MemoryType::Rpc];
    MemoryStats {
        census: Census {
            rss_bytes: 3_000,
            types: types.map(|memory_type| TypeBytes { memory_type, bytes: 1_000 }).into(),
            ..Census::default()
        },
        limit_bytes: 10_000,
        current_bytes: 3_000,
        pressure: Pressure::default(),
        budget: Vec::new(),
    }
}

fn table(name: &str) -> TableStats {
    TableStats {
        name: name.into(),
        entry_count: 0,
        weight_bytes: 0,
        ghost_bytes: 0,
        capacity_bytes: 5_000,
        limit_bytes: 5_000,
        hit_count: 0,
        miss_count: 0,
        misses: MissKind::ALL.map(|kind| (kind, 0)),
        stored_count: 0,
        plucked_bytes: 0,
        removals: Removals::default(),
        newest_record_time: None,
        weight_mismatch_count: 0,
    }
}

fn partition(table: &str) -> PartitionStats {
    PartitionStats {
        table: table.into(),
        topic: "events".into(),
        outcomes: Outcome::all().map(|outcome| (outcome, 0)).collect(),
        is_settled: true,
        ..PartitionStats::default()
    }
}

fn rpc() -> RpcStats {
    RpcStats {
        connections: ConnectionStats {
            open_connections: 0,
            open_streams: 0,
            accepted: 0,
            refused: 0,
            closed: CloseReason::ALL.map(|reason| (reason, 0)),
            shed_streams: 0,
        },
        pool: PoolStats {
            pool_bytes: 1_000,
            held_bytes: 0,
            shed_calls: ShedCause::ALL.map(|cause| (cause, 0)).into(),
            shed_bytes: 0,
        },
        tls: None,
        access: AccessStats::default(),
        calls: vec![MethodStats {
            service: UNKNOWN_METHOD,
            method: UNKNOWN_METHOD,
            kind: CallKind::Unary,
            started: 0,
            handled: [0; STATUS_CODES.len()],
            durations: DurationCounts::default(),
            exemplars: Exemplars::default(),
        }],
        callers: Vec::new(),
    }
}
