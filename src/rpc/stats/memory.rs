//! Converts the memory report and the effect of a reclaim to messages.

use crate::memory::{Census, Finding, MemoryType, ReclaimReport, Stage, TypeBytes};
use crate::proto::v1::{
    self as wire, AllocatorStats, BudgetLine, FindingKind, Memory, MemoryDifference,
    MemoryPressure, MemoryTypeBytes, PressureStage, PressureStageCount, ReclaimResponse,
};
use crate::stats::{MemoryStats, Reclaimed};

impl From<MemoryStats> for Memory {
    fn from(memory: MemoryStats) -> Self {
        let heap = &memory.census.heap;
        let allocator = AllocatorStats {
            allocated_bytes: heap.allocated_bytes,
            active_bytes: heap.active_bytes,
            resident_bytes: heap.resident_bytes,
            retained_bytes: heap.retained_bytes,
        };
        let entered = Stage::ALL.map(|stage| PressureStageCount {
            stage: to_stage(stage).into(),
            count: memory.pressure.entered_count(stage),
        });
        let pressure = MemoryPressure {
            stage: to_stage(memory.pressure.stage()).into(),
            entered: entered.into(),
        };
        let line =
            |line: crate::memory::Line| BudgetLine { purpose: line.purpose, bytes: line.bytes };
        Self {
            rss_bytes: memory.census.rss_bytes,
            limit_bytes: memory.limit_bytes,
            current_bytes: memory.current_bytes,
            types: memory.census.types.iter().map(Into::into).collect(),
            untouched_bytes: memory.census.untouched_bytes,
            allocator: Some(allocator),
            pressure: Some(pressure),
            budget: memory.budget.into_iter().map(line).collect(),
        }
    }
}

impl From<&TypeBytes> for MemoryTypeBytes {
    fn from(of_type: &TypeBytes) -> Self {
        let (memory_type, table) = to_type(&of_type.memory_type);
        Self { r#type: memory_type.into(), table, bytes: of_type.bytes }
    }
}

impl From<Reclaimed> for ReclaimResponse {
    fn from(reclaimed: Reclaimed) -> Self {
        Self {
            differences: differences(&reclaimed.before.census, &reclaimed.after.census),
            findings: findings(&reclaimed.report),
            before: Some(reclaimed.before.into()),
            after: Some(reclaimed.after.into()),
        }
    }
}

fn differences(before: &Census, after: &Census) -> Vec<MemoryDifference> {
    let difference = |of_type: &TypeBytes| {
        let (memory_type, table) = to_type(&of_type.memory_type);
        let had_bytes = before.bytes_of(&of_type.memory_type);
        // No process has 2^63 bytes.
        let bytes = of_type.bytes.cast_signed() - had_bytes.cast_signed();
        MemoryDifference { r#type: memory_type.into(), table, bytes }
    };
    after.types.iter().map(difference).collect()
}

fn findings(report: &ReclaimReport) -> Vec<wire::Finding> {
    let wire_finding = |finding: &Finding| {
        let (kind, memory_type, bytes) = match finding {
            Finding::Live { memory_type, bytes } => (FindingKind::Live, memory_type, *bytes),
            Finding::Slack { released_bytes, .. } => {
                (FindingKind::Slack, &MemoryType::Allocator, *released_bytes)
            }
            Finding::Unexplained { memory_type, bytes, expected_bytes } => {
                (FindingKind::Unexplained, memory_type, bytes - expected_bytes)
            }
        };
        let (memory_type, table) = to_type(memory_type);
        wire::Finding {
            kind: kind.into(),
            r#type: memory_type.into(),
            table,
            bytes,
            text: finding.to_string(),
        }
    };
    report.findings.iter().map(wire_finding).collect()
}

/// The type, and the name of the table if it is one.
fn to_type(memory_type: &MemoryType) -> (wire::MemoryType, String) {
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
