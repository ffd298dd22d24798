//! The summary of a trial, in text for people.

use std::fmt::Write as _;

use serde::Serialize;

use crate::app::{EntryCost, SampleOutcome, TrialSummary};
use crate::cli::output::{count, store_name};
use crate::cli::sample_text;

/// The lines that hold no record.
#[derive(Debug, Default, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineCounts {
    /// Lines that cannot be read.
    pub(super) faulty_lines: u64,
    /// Lines of nothing but white space.
    pub(super) blank_lines: u64,
}

pub(super) fn summary_text(summary: &TrialSummary, lines: LineCounts) -> String {
    let TrialSummary { table, store, records, outcomes, payload_bytes, pluck_nanos, entry } =
        summary;
    let mut text = format!("table {table}: {} records\n", count(*records));
    for each in outcomes {
        let counted = sample_text::counted(each.outcome, each.reason, each.count);
        let _ = writeln!(text, "  {counted}");
    }
    let LineCounts { faulty_lines, blank_lines } = lines;
    for (number, what) in
        [(faulty_lines, "lines that cannot be read"), (blank_lines, "blank lines")]
    {
        if number > 0 {
            let _ = writeln!(text, "  {} {what}", count(number));
        }
    }
    if *records > 0 {
        let _ = writeln!(
            text,
            "a record has {} B in its value; to pluck it takes {} of CPU on this machine",
            count(*payload_bytes),
            micros(*pluck_nanos),
        );
    }
    if let Some(EntryCost { plucked_bytes, weight_bytes, measured_bytes }) = entry {
        let _ = writeln!(
            text,
            "an entry has {} B of key and fields; in store {} it weighs {} B, measured {} B",
            count(*plucked_bytes),
            store_name(*store),
            count(*weight_bytes),
            count(*measured_bytes),
        );
    }
    let is_lost = |outcome| matches!(outcome, SampleOutcome::Rejected | SampleOutcome::Expired);
    if *records > 0 && outcomes.iter().all(|each| is_lost(each.outcome)) {
        let _ =
            writeln!(text, "NONE WOULD BE STORED: see key, fields, ttl and ttl_from of {table}");
    }
    text
}

fn micros(nanos: u64) -> String {
    format!("{}.{:02} us", nanos / 1_000, nanos % 1_000 / 10)
}
