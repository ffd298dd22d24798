//! What is measured, a file a group.

#[path = "groups/growth.rs"]
pub(crate) mod growth;
#[path = "groups/ingest.rs"]
pub(crate) mod ingest;
#[path = "groups/lookups.rs"]
pub(crate) mod lookups;
#[path = "groups/memory.rs"]
pub(crate) mod memory;
#[path = "groups/pluck.rs"]
pub(crate) mod pluck;
#[path = "groups/table.rs"]
pub(crate) mod table;

use crate::args::Group;
use crate::report::Findings;
use crate::stage::Stage;

/// None where it is skipped.
pub(crate) fn measure(group: Group, stage: &mut Stage<'_>) -> anyhow::Result<Option<Findings>> {
    match group {
        Group::Pluck => return pluck::measure(stage).map(Some),
        Group::Table => return table::measure(stage).map(Some),
        Group::Ingest | Group::Lookups | Group::Memory | Group::Growth => {}
    }
    let Some(broker) = stage.broker(&format!("{group:?}")) else { return Ok(None) };
    let findings = match group {
        Group::Ingest => ingest::measure(stage, broker),
        Group::Lookups => lookups::measure(stage, broker),
        Group::Memory => memory::measure(stage, broker),
        _ => growth::measure(stage, broker),
    };
    findings.map(Some)
}
