//! Converts the effect of a reclaim to messages.

use crate::memory::{Census, Finding, MemoryType, ReclaimReport, TypeBytes};
use crate::proto::v1::{self as wire, FindingKind, MemoryDifference, ReclaimResponse};
use crate::rpc::convert::to_int64;
use crate::rpc::stats::to_type;
use crate::stats::Reclaimed;

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
        wire::Finding {
            kind: kind.into(),
            r#type: memory_type.into(),
            table,
            bytes: to_int64(bytes),
            in_use_bytes: to_int64(in_use_bytes),
            accounted_bytes: to_int64(accounted_bytes),
            text: finding.to_string(),
        }
    };
    report.findings.iter().map(wire_finding).collect()
}
