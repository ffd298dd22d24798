//! The metrics of memory.

use std::fmt;

use super::catalogue::{
    BUDGET, HEAP, MEMORY, MEMORY_LIMIT, MEMORY_USED, PRESSURE, PRESSURE_ENTERED, UNTOUCHED,
};
use super::writer::Writer;
use crate::memory::{Line, MemoryType, Purpose, Stage, TypeBytes};
use crate::stats::MemoryStats;

/// Stands for all tables together.
const TABLES: &str = "tables";
const TYPES: [&str; 7] =
    [TABLES, "ingest", "kafka_client", "rpc", "other_heap", "allocator", "outside_heap"];
const PURPOSES: [&str; 12] = [
    TABLES,
    "kafka_fetch",
    "kafka_statistics",
    "documents",
    "rpc_connections",
    "rpc_streams",
    "rpc_pool",
    "rpc_watch",
    "admin",
    "telemetry",
    "fixed",
    "allocator",
];

pub(super) fn write(writer: &mut Writer<'_>, memory: &MemoryStats) -> fmt::Result {
    let census = &memory.census;
    writer.each(&MEMORY, TYPES.map(|name| (name, type_bytes(&census.types, name))))?;
    writer.single(&UNTOUCHED, census.untouched_bytes)?;
    writer.single(&MEMORY_LIMIT, memory.limit_bytes)?;
    writer.single(&MEMORY_USED, memory.current_bytes)?;
    let pressure = &memory.pressure;
    writer
        .each(&PRESSURE, Stage::ALL.map(|stage| (stage_name(stage), stage == pressure.stage())))?;
    let entered = Stage::ALL.map(|stage| (stage_name(stage), pressure.entered_count(stage)));
    writer.each(&PRESSURE_ENTERED, entered)?;
    writer.each(&BUDGET, PURPOSES.map(|name| (name, purpose_bytes(&memory.budget, name))))?;
    let heap = [
        ("allocated", census.heap.allocated_bytes),
        ("active", census.heap.active_bytes),
        ("resident", census.heap.resident_bytes),
        ("retained", census.heap.retained_bytes),
    ];
    writer.each(&HEAP, heap)
}

fn type_bytes(types: &[TypeBytes], name: &str) -> u64 {
    let of_type = types.iter().filter(|each| type_name(&each.memory_type) == name);
    of_type.map(|each| each.bytes).sum()
}

fn purpose_bytes(lines: &[Line], name: &str) -> u64 {
    let of_purpose = lines.iter().filter(|line| purpose_name(&line.purpose) == name);
    of_purpose.map(|line| line.bytes).sum()
}

fn type_name(memory_type: &MemoryType) -> &'static str {
    match memory_type {
        MemoryType::Table(_) => TABLES,
        MemoryType::Ingest => "ingest",
        MemoryType::KafkaClient => "kafka_client",
        MemoryType::Rpc => "rpc",
        MemoryType::OtherHeap => "other_heap",
        MemoryType::Allocator => "allocator",
        MemoryType::OutsideHeap => "outside_heap",
    }
}

fn purpose_name(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Table { .. } => TABLES,
        Purpose::KafkaFetch => "kafka_fetch",
        Purpose::KafkaStatistics => "kafka_statistics",
        Purpose::Documents => "documents",
        Purpose::RpcConnections => "rpc_connections",
        Purpose::RpcStreams => "rpc_streams",
        Purpose::RpcPool => "rpc_pool",
        Purpose::RpcWatch => "rpc_watch",
        Purpose::Admin => "admin",
        Purpose::Telemetry => "telemetry",
        Purpose::Fixed => "fixed",
        Purpose::Allocator => "allocator",
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Normal => "normal",
        Stage::Purging => "purging",
        Stage::Evicting => "evicting",
        Stage::Paused => "paused",
    }
}
