//! The metrics of what is sent to a collector.

use std::fmt;

use super::catalogue::{EXPORTED_METRICS, EXPORTED_SPANS};
use super::writer::Writer;
use crate::stats::ExportStats;

pub(super) fn write(writer: &mut Writer<'_>, export: &ExportStats) -> fmt::Result {
    let spans = [
        ("sent", export.sent_spans),
        ("queue_full", export.queue_full_spans),
        ("rejected", export.rejected_spans),
        ("failed", export.failed_spans),
    ];
    writer.each(&EXPORTED_SPANS, spans)?;
    let metrics = [("sent", export.sent_metrics), ("failed", export.failed_metrics)];
    writer.each(&EXPORTED_METRICS, metrics)
}
