//! The groups of measurements, one file each.

pub(crate) mod growth;
pub(crate) mod ingest;
pub(crate) mod lookups;
pub(crate) mod memory;
pub(crate) mod methods;
pub(crate) mod pluck;
pub(crate) mod table;

use crate::args::Group;
use crate::report::Findings;
use crate::stage::Stage;

/// The findings of a group. None if it is skipped.
pub(crate) fn measure(group: Group, stage: &mut Stage<'_>) -> anyhow::Result<Option<Findings>> {
    match group {
        Group::Pluck => return pluck::measure(stage).map(Some),
        Group::Table => return table::measure(stage).map(Some),
        Group::Ingest | Group::Lookups | Group::Methods | Group::Memory | Group::Growth => {}
    }
    let Some(broker) = stage.broker(&format!("{group:?}")) else { return Ok(None) };
    let findings = match group {
        Group::Ingest => ingest::measure(stage, broker),
        Group::Lookups => lookups::measure(stage, broker),
        Group::Methods => methods::measure(stage, broker),
        Group::Memory => memory::measure(stage, broker),
        _ => growth::measure(stage, broker),
    };
    findings.map(Some)
}
