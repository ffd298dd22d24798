//! What became of traces and metrics that are sent to a collector.

/// The counts of spans and metrics since the start of the process. All are 0 if nothing is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportStats {
    /// Spans that the collector took.
    pub sent_spans: u64,
    /// Spans that found no room in the queue.
    pub queue_full_spans: u64,
    /// Spans that the collector said it did not take.
    pub rejected_spans: u64,
    /// Spans that were dropped because the collector was away, late or failed.
    pub failed_spans: u64,
    /// How often the collector took the metrics of a snapshot.
    pub sent_metrics: u64,
    /// How often it did not.
    pub failed_metrics: u64,
}
