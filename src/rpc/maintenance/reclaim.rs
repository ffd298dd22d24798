//! Converts the effect of a reclaim to messages.

use crate::memory::{Census, TypeBytes};
use crate::proto::v1::{MemoryDifference, ReclaimResponse};
use crate::rpc::stats::to_type;
use crate::stats::Reclaimed;

impl From<Reclaimed> for ReclaimResponse {
    fn from(reclaimed: Reclaimed) -> Self {
        Self {
            differences: differences(&reclaimed.before.census, &reclaimed.after.census),
            findings: reclaimed.report.findings.iter().map(Into::into).collect(),
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
