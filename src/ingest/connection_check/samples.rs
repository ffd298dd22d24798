//! The last records of a topic, as its tables would take them: each on an empty table of its own.

use std::sync::Arc;

use crate::config::Config;
use crate::ingest::apply::TableSource;
use crate::ingest::sample::Sample;
use crate::ingest::trial::{Trial, TrialRecord};

/// What becomes of each of these records in each of the tables.
pub(super) fn take(
    config: &Config,
    sources: &[&TableSource],
    records: &[TrialRecord],
) -> Vec<Sample> {
    let of_record = |record| sources.iter().map(move |source| sample(source, config, record));
    records.iter().flat_map(of_record).collect()
}

fn sample(source: &TableSource, config: &Config, record: &TrialRecord) -> Sample {
    let table = Arc::new(source.table.empty_copy());
    let now = table.now();
    let empty = TableSource { table, config: source.config.clone() };
    Trial::new(&empty, config).apply(record, now).sample
}
