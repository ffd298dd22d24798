//! How much memory each part of the service needs: asked of the parts, for the budget and
//! for the report of a reclaim.

use std::sync::Arc;

use crate::admin;
use crate::config::Config;
use crate::ingest;
use crate::memory::{ExpectedBytes, MemoryType, Needs};
use crate::rpc;
use crate::table::{MIN_CAPACITY_BYTES, Table};
use crate::telemetry;

/// The needs that the budget is planned with.
pub(super) fn needs(config: &Config) -> Needs {
    Needs {
        kafka_bytes: ingest::queue_bytes_at_worst(config),
        statistics_bytes: ingest::statistics_bytes(config),
        documents_bytes: ingest::scratch_bytes(config),
        connections_bytes: rpc::connections_bytes(&config.rpc),
        streams_bytes: rpc::streams_bytes(&config.rpc),
        admin_bytes: admin::bytes(&config.admin, config.tables.len()),
        telemetry_bytes: telemetry::otlp::bytes(config.otlp.as_ref()),
        smallest_table_bytes: MIN_CAPACITY_BYTES,
    }
}

/// The bytes that each type of memory is expected to hold at most: a table what it weighs now, and
/// each other type its reserve.
pub(super) fn expected(tables: &[Arc<Table>], reserves: &[ExpectedBytes]) -> Vec<ExpectedBytes> {
    let of_table = |table: &Arc<Table>| ExpectedBytes {
        memory_type: MemoryType::Table(table.name().to_owned()),
        bytes: table.weight_bytes(),
    };
    tables.iter().map(of_table).chain(reserves.iter().cloned()).collect()
}

/// The reserve of each type of memory that is not a table.
pub(super) fn reserves(config: &Config) -> Vec<ExpectedBytes> {
    let needs = needs(config);
    // Spans are made by the threads of calls.
    let queue_bytes = config.otlp.as_ref().map_or(0, |otlp| otlp.queue.as_u64());
    let calls_bytes = needs.connections_bytes
        + needs.streams_bytes
        + config.rpc.pool.get().as_u64()
        + config.rpc.watch_buffer.get().as_u64()
        + queue_bytes;
    let types = [
        (MemoryType::Ingest, needs.documents_bytes),
        (MemoryType::KafkaClient, needs.kafka_bytes + needs.statistics_bytes),
        (MemoryType::Rpc, calls_bytes),
    ];
    types.map(|(memory_type, bytes)| ExpectedBytes { memory_type, bytes }).into()
}
