//! Converts the memory report to messages.

use crate::memory::{Finding, Line, MemoryType, Purpose, Stage, TypeBytes};
use crate::proto::v1::{
    self as wire, AllocatorStats, FindingKind, Memory, MemoryPressure, MemoryTypeBytes,
    PressureStage, PressureStageCount,
};
use crate::rpc::convert::to_int64;
use crate::stats::MemoryStats;

impl From<MemoryStats> for Memory {
    fn from(memory: MemoryStats) -> Self {
        let heap = &memory.census.heap;
        let allocator = AllocatorStats {
            allocated_bytes: to_int64(heap.allocated_bytes),
            active_bytes: to_int64(heap.active_bytes),
            resident_bytes: to_int64(heap.resident_bytes),
            retained_bytes: to_int64(heap.retained_bytes),
        };
        let entered = Stage::ALL.map(|stage| PressureStageCount {
            stage: to_stage(stage).into(),
            count: to_int64(memory.pressure.entered_count(stage)),
        });
        let pressure = MemoryPressure {
            stage: to_stage(memory.pressure.stage()).into(),
            entered: entered.into(),
        };
        Self {
            rss_bytes: to_int64(memory.census.rss_bytes),
            limit_bytes: to_int64(memory.limit_bytes),
            current_bytes: to_int64(memory.current_bytes),
            types: memory.census.types.iter().map(Into::into).collect(),
            untouched_bytes: to_int64(memory.census.untouched_bytes),
            allocator: Some(allocator),
            pressure: Some(pressure),
            budget: memory.budget.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Finding> for wire::Finding {
    fn from(finding: &Finding) -> Self {
        let (kind, memory_type, [bytes, in_use_bytes, accounted_bytes]) = match finding {
            Finding::Live { memory_type, bytes, expected_bytes } => {
                (FindingKind::Live, memory_type, [*bytes, *bytes, *expected_bytes])
            }
            Finding::Slack { released_bytes, left_bytes } => {
                (FindingKind::Slack, &MemoryType::Allocator, [*released_bytes, *left_bytes, 0])
            }
            Finding::Unexplained { memory_type, bytes, expected_bytes } => {
                let unexplained_bytes = bytes - expected_bytes;
                let all = [unexplained_bytes, *bytes, *expected_bytes];
                (FindingKind::Unexplained, memory_type, all)
            }
        };
        let (memory_type, table) = to_type(memory_type);
        Self {
            kind: kind.into(),
            r#type: memory_type.into(),
            table,
            bytes: to_int64(bytes),
            in_use_bytes: to_int64(in_use_bytes),
            accounted_bytes: to_int64(accounted_bytes),
            text: finding.to_string(),
        }
    }
}

impl From<&TypeBytes> for MemoryTypeBytes {
    fn from(of_type: &TypeBytes) -> Self {
        let (memory_type, table) = to_type(&of_type.memory_type);
        Self { r#type: memory_type.into(), table, bytes: to_int64(of_type.bytes) }
    }
}

impl From<&Line> for wire::BudgetLine {
    fn from(line: &Line) -> Self {
        let (purpose, table) = to_purpose(&line.purpose);
        let text = line.purpose.to_string();
        Self { purpose: purpose.into(), table, bytes: to_int64(line.bytes), text }
    }
}

/// The purpose, and the name of the table if it is one.
fn to_purpose(purpose: &Purpose) -> (wire::BudgetPurpose, String) {
    let plain = match purpose {
        Purpose::Table { name, .. } => return (wire::BudgetPurpose::Table, name.clone()),
        Purpose::KafkaFetch => wire::BudgetPurpose::KafkaFetch,
        Purpose::KafkaStatistics => wire::BudgetPurpose::KafkaStatistics,
        Purpose::Documents => wire::BudgetPurpose::Documents,
        Purpose::RpcConnections => wire::BudgetPurpose::RpcConnections,
        Purpose::RpcStreams => wire::BudgetPurpose::RpcStreams,
        Purpose::RpcPool => wire::BudgetPurpose::RpcPool,
        Purpose::RpcWatch => wire::BudgetPurpose::RpcWatch,
        Purpose::Admin => wire::BudgetPurpose::Admin,
        Purpose::Telemetry => wire::BudgetPurpose::Telemetry,
        Purpose::Fixed => wire::BudgetPurpose::Fixed,
        Purpose::Allocator => wire::BudgetPurpose::Allocator,
    };
    (plain, String::new())
}

/// The type, and the name of the table if it is one.
pub(in crate::rpc) fn to_type(memory_type: &MemoryType) -> (wire::MemoryType, String) {
    let plain = match memory_type {
        MemoryType::Table(name) => return (wire::MemoryType::Table, name.clone()),
        MemoryType::Ingest => wire::MemoryType::Ingest,
        MemoryType::KafkaClient => wire::MemoryType::KafkaClient,
        MemoryType::Rpc => wire::MemoryType::Rpc,
        MemoryType::OtherHeap => wire::MemoryType::OtherHeap,
        MemoryType::Allocator => wire::MemoryType::Allocator,
        MemoryType::OutsideHeap => wire::MemoryType::OutsideHeap,
    };
    (plain, String::new())
}

fn to_stage(stage: Stage) -> PressureStage {
    match stage {
        Stage::Normal => PressureStage::Normal,
        Stage::Purging => PressureStage::Purging,
        Stage::Evicting => PressureStage::Evicting,
        Stage::Paused => PressureStage::Paused,
    }
}
