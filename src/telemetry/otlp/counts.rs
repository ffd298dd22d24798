//! Counts what became of spans and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::stats::ExportStats;
use crate::trace::Tracer;

/// The counters of one exporter.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) sent_spans: AtomicU64,
    pub(super) rejected_spans: AtomicU64,
    pub(super) failed_spans: AtomicU64,
    pub(super) sent_metrics: AtomicU64,
    pub(super) failed_metrics: AtomicU64,
}

/// Reads the counters, also after the exporter has ended.
#[derive(Debug, Clone)]
pub struct ExportReader {
    pub(super) counts: Arc<Counts>,
    pub(super) tracer: Tracer,
}

impl ExportReader {
    /// What became of spans and metrics since the start of the process.
    pub fn read(&self) -> ExportStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        ExportStats {
            sent_spans: read(&counts.sent_spans),
            queue_full_spans: self.tracer.queue().dropped(),
            rejected_spans: read(&counts.rejected_spans),
            failed_spans: read(&counts.failed_spans),
            sent_metrics: read(&counts.sent_metrics),
            failed_metrics: read(&counts.failed_metrics),
        }
    }
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
