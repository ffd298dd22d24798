//! A projection, in text for people.

use std::fmt::Write as _;

use crate::app::{Projection, TrialSummary};
use crate::cli::output::{bytes, count, store_name};

/// The text of a projection; none: no record gave an entry.
pub(super) fn projection_text(projection: Option<&Projection>, summary: &TrialSummary) -> String {
    let Some(projection) = projection else {
        return "no projection: no record gives an entry\n".into();
    };
    let mut text = format!(
        "projection for {} live entries in store {}\n",
        count(projection.keys),
        store_name(summary.store)
    );
    text.push_str(&memory_text(projection, summary));
    text.push_str(&stream_text(projection));
    text.push_str(&lookups_text(projection));
    text
}

fn memory_text(projection: &Projection, summary: &TrialSummary) -> String {
    let mut text = format!(
        "  table       {} once loaded, {} after many replacements: {} B an entry, by {} entries that \
         were stored\n  set         capacity = {:?} for table {}\n",
        bytes(projection.table_bytes),
        bytes(projection.replaced_table_bytes),
        count(projection.entry_bytes),
        count(projection.measured_entries),
        projection.capacity,
        summary.table,
    );
    if let Some(most_alive) = projection.most_alive.filter(|most| *most < projection.keys) {
        let _ = writeln!(
            text,
            "  NOTE        at this rate no more than {} entries are alive at once: the rest expires",
            count(most_alive)
        );
    }
    let limit = match projection.limit_bytes {
        Some(limit) => format!("{} at least, with that capacity", bytes(limit)),
        None => "no size is enough: the shares of the other tables leave nothing".into(),
    };
    let _ = writeln!(text, "  container   {limit}");
    if let Some(limit) = projection.limit_as_configured_bytes {
        let _ =
            writeln!(text, "              {} with the capacity as it is configured", bytes(limit));
    }
    for line in projection.budget.iter().flat_map(|budget| budget.lines()) {
        let _ = writeln!(text, "              {line}");
    }
    text
}

fn stream_text(projection: &Projection) -> String {
    if projection.records_per_second == 0 {
        return String::new();
    }
    let mut text = format!(
        "  stream      {} records and {} a second before compression",
        count(projection.records_per_second),
        bytes(projection.bandwidth_bytes),
    );
    if let Some(millis) = projection.fetch_buffer_millis {
        let _ = write!(text, "; kafka.fetch_buffer has room for {}", seconds(millis));
    }
    let _ = writeln!(
        text,
        "\n  ingest CPU  {} to pluck and store, measured on this machine; Kafka's client takes about \
         {} more, by docs/BENCHMARKS.md",
        cores(projection.ingest_cpu),
        cores(projection.kafka_cpu_estimate),
    );
    text
}

fn lookups_text(projection: &Projection) -> String {
    if projection.lookups_per_second == 0 {
        return String::new();
    }
    format!(
        "  lookup CPU  {} for {} a second in the table, measured on this machine; calls of one key \
         take about {} more, by docs/BENCHMARKS.md\n",
        cores(projection.lookup_table_cpu),
        count(projection.lookups_per_second),
        cores(projection.lookup_call_cpu_estimate),
    )
}

fn cores(millicores: u64) -> String {
    format!("{}.{:03} cores", millicores / 1_000, millicores % 1_000)
}

fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
}
