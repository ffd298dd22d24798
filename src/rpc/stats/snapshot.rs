//! Converts the snapshot to `GetStatsResponse`: tables, topics and dead letters.
//!
//! `partitions.rs` converts the partitions, `memory.rs` the memory.

use crate::memory::MemoryType;
use crate::proto::v1::{
    self as wire, Build, CounterCheckStats, GetStatsResponse, MissCount, MissReason, RemovalCount,
};
use crate::rpc::convert::{
    to_as_of, to_duration, to_int64, to_removal_cause, to_signed_duration, to_timestamp,
};
use crate::stats::{
    ClockStats, DeadLetterStats, ExportStats, Freshness, Loading, PartitionStats, ProcessStats,
    Snapshot, TopicStats, TopicStatus,
};
use crate::table::{MissKind, Removal, TableStats};

impl From<Snapshot> for GetStatsResponse {
    fn from(snapshot: Snapshot) -> Self {
        let census = &snapshot.memory.census;
        let loading = PartitionStats::loading_by_table(&snapshot.partitions);
        let table = |(table, freshness): (TableStats, Freshness)| {
            let measured_bytes = census.bytes_of(&MemoryType::Table(table.name.clone()));
            let loading = loading.get(table.name.as_str()).copied();
            let Freshness { is_ready, staleness } = freshness;
            let as_of = to_as_of(is_ready, table.newest_record_time, staleness);
            wire::TableStats {
                as_of: Some(as_of),
                ..to_table_stats(table, measured_bytes, loading)
            }
        };
        Self {
            tables: snapshot.tables.into_iter().zip(snapshot.freshness).map(table).collect(),
            kafka: Some(snapshot.kafka.into()),
            rpc: Some(snapshot.rpc.into()),
            admin_tls: snapshot.admin_tls.map(Into::into),
            start_time: Some(to_timestamp(snapshot.started)),
            uptime: Some(to_duration(snapshot.uptime)),
            build: Some(Build {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                librdkafka_version: snapshot.librdkafka_version,
            }),
            config_digest: snapshot.config_digest,
            ready: snapshot.ready,
            memory: Some(snapshot.memory.into()),
            unexplained_memory: snapshot.unexplained_memory.iter().map(Into::into).collect(),
            partitions: snapshot.partitions.into_iter().map(Into::into).collect(),
            topics: snapshot.topics.into_iter().map(Into::into).collect(),
            dead_letters: Some(snapshot.dead_letters.into()),
            counter_check: Some(CounterCheckStats {
                mismatch_count: to_int64(snapshot.counter_check.mismatch_count),
            }),
            clock: Some(snapshot.clock.into()),
            process: Some(snapshot.process.into()),
            export: Some(snapshot.export.into()),
        }
    }
}

impl From<ExportStats> for wire::ExportStats {
    fn from(stats: ExportStats) -> Self {
        Self {
            sent_span_count: to_int64(stats.sent_spans),
            queue_full_span_count: to_int64(stats.queue_full_spans),
            rejected_span_count: to_int64(stats.rejected_spans),
            failed_span_count: to_int64(stats.failed_spans),
            sent_metrics_count: to_int64(stats.sent_metrics),
            failed_metrics_count: to_int64(stats.failed_metrics),
        }
    }
}

/// Joins the counters of a table with its memory as the allocator measured it.
fn to_table_stats(
    table: TableStats,
    measured_bytes: u64,
    loading: Option<Loading>,
) -> wire::TableStats {
    let removal = |cause| RemovalCount {
        cause: to_removal_cause(cause).into(),
        count: to_int64(table.removals.count(cause)),
    };
    let per_entry = |bytes: u64| to_int64(bytes.checked_div(table.entry_count).unwrap_or(0));
    wire::TableStats {
        limit_bytes: to_int64(table.limit_bytes),
        measured_bytes: to_int64(measured_bytes),
        ghost_bytes: to_int64(table.ghost_bytes),
        retained_bytes_per_entry: per_entry(measured_bytes.saturating_sub(table.ghost_bytes)),
        weight_bytes_per_entry: per_entry(table.weight_bytes.saturating_sub(table.ghost_bytes)),
        plucked_bytes: to_int64(table.plucked_bytes),
        entry_count: to_int64(table.entry_count),
        weight_bytes: to_int64(table.weight_bytes),
        capacity_bytes: to_int64(table.capacity_bytes),
        hit_count: to_int64(table.hit_count),
        miss_count: to_int64(table.miss_count),
        stored_count: to_int64(table.stored_count),
        misses: table.misses.map(to_miss_count).into(),
        removals: Removal::ALL.map(removal).into(),
        newest_record_time: table.newest_record_time.map(to_timestamp),
        loading: loading.map(Into::into),
        name: table.name,
        as_of: None,
    }
}

fn to_miss_count((kind, count): (MissKind, u64)) -> MissCount {
    let reason = match kind {
        MissKind::Loading => MissReason::Loading,
        MissKind::NeverSeen => MissReason::NeverSeen,
        MissKind::Expired => MissReason::Expired,
        MissKind::Evicted => MissReason::Evicted,
        MissKind::EvictedForPressure => MissReason::EvictedForPressure,
        MissKind::Deleted => MissReason::Deleted,
        MissKind::Unknown => MissReason::Unknown,
    };
    MissCount { reason: reason.into(), count: to_int64(count) }
}

impl From<ClockStats> for wire::ClockStats {
    fn from(clock: ClockStats) -> Self {
        let last_step = (clock.step_count > 0).then(|| to_signed_duration(clock.last_step_millis));
        Self {
            step_count: to_int64(clock.step_count),
            last_step,
            behind: Some(to_signed_duration(clock.behind_millis)),
        }
    }
}

impl From<ProcessStats> for wire::ProcessStats {
    fn from(process: ProcessStats) -> Self {
        Self {
            cpu_time: Some(to_duration(process.cpu)),
            thread_count: to_int64(process.threads),
            open_file_count: to_int64(process.open_files),
            max_open_file_count: to_int64(process.max_open_files),
        }
    }
}

impl From<Loading> for wire::Loading {
    fn from(loading: Loading) -> Self {
        Self {
            done_records: to_int64(loading.done_records),
            remaining_records: to_int64(loading.remaining_records),
            records_per_second: to_int64(loading.records_per_second()),
            time_left: loading.time_left().map(to_duration),
        }
    }
}

impl From<DeadLetterStats> for wire::DeadLetterStats {
    fn from(dead_letters: DeadLetterStats) -> Self {
        Self {
            delivered_count: to_int64(dead_letters.delivered_count),
            dropped_count: to_int64(dead_letters.dropped_count),
            failed_count: to_int64(dead_letters.failed_count),
        }
    }
}

impl From<TopicStats> for wire::TopicStats {
    fn from(topic: TopicStats) -> Self {
        let state = match topic.status {
            TopicStatus::Waiting => wire::TopicState::Waiting,
            TopicStatus::Reading => wire::TopicState::Reading,
            TopicStatus::Missing => wire::TopicState::Missing,
            TopicStatus::Unauthorized => wire::TopicState::Unauthorized,
            TopicStatus::Unreadable => wire::TopicState::Unreadable,
        };
        Self { topic: topic.topic, state: state.into(), since: Some(to_timestamp(topic.since)) }
    }
}
