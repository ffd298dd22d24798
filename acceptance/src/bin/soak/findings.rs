//! The findings of a soak, and a report of them for people.

use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use millpond_acceptance::producer::Delivered;
use millpond_client::v1::{PartitionStats, RecordOutcome, RemovalCause, TableStats};

use crate::lookups::Tally;
use crate::lowering::Lowering;
use crate::progress::Progress;
use crate::usage::Usage;

/// The findings.
pub(crate) struct Findings {
    pub(crate) ran: Duration,
    /// Under the first limit, then under the lowered one.
    pub(crate) usages: Vec<Usage>,
    pub(crate) lowering: Option<Lowering>,
    pub(crate) limit_hits: u64,
    pub(crate) oom_kills: u64,
    pub(crate) lookups: Tally,
    pub(crate) progress: Progress,
    pub(crate) delivered: Arc<Delivered>,
    /// The error that ended the producer, if any.
    pub(crate) producer: anyhow::Result<()>,
    pub(crate) memory: anyhow::Result<String>,
    pub(crate) end: End,
}

/// How the process ended.
#[derive(Debug)]
pub(crate) enum End {
    Early(ExitStatus),
    Asked(ExitStatus),
    Killed,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Early(status) => write!(f, "by itself, {status}"),
            Self::Asked(status) => write!(f, "at SIGTERM, {status}"),
            Self::Killed => write!(f, "killed, as it did not end at SIGTERM"),
        }
    }
}

impl Findings {
    pub(crate) fn live_bytes(&self) -> u64 {
        self.table().map_or(0, |table| table.weight_bytes.cast_unsigned())
    }

    /// The last limit, and the peaks under it.
    pub(crate) fn last_usage(&self) -> Usage {
        self.usages.last().copied().unwrap_or(Usage::under(1))
    }

    pub(crate) fn report(&self) -> String {
        let mut lines = vec![format!("\nafter {:.1} s", self.ran.as_secs_f64())];
        lines.extend(self.usages.iter().map(Usage::line));
        lines.extend([self.kernel_line(), self.lookups_line(), self.stream_line()]);
        lines.extend([self.pauses_line(), self.table_line(), self.end_line()]);
        lines.join("\n")
    }

    fn kernel_line(&self) -> String {
        let (hits, kills) = (self.limit_hits, self.oom_kills);
        let lowered = self.lowering.as_ref().map(Lowering::line).unwrap_or_default();
        format!("kernel    {hits} hits of the limit, {kills} OOM kills{lowered}")
    }

    fn lookups_line(&self) -> String {
        let Tally { done, failed, hits, misses, .. } = self.lookups;
        let [half, most] = [50, 99].map(|per_cent| self.lookups.percentile(per_cent));
        format!(
            "lookups   {done} calls, {failed} failed; {hits} keys found and verified, {misses} not \
             there; p50 {half:?}, p99 {most:?}"
        )
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate to a few digits")]
    fn stream_line(&self) -> String {
        let polled = self.progress.polled();
        let rate = polled as f64 / self.ran.as_secs_f64();
        let delivered = self.delivered.count.load(Ordering::Relaxed);
        let all = || self.progress.last.partitions.iter();
        let payload_mib = all().map(|each| each.payload_bytes).sum::<i64>() >> 20;
        let of = |outcome| all().map(|each| outcome_count(each, outcome)).sum::<i64>();
        format!(
            "stream    {polled} of {delivered} records polled, {rate:.0}/s, {payload_mib} MiB; {} \
             replaced, {} deleted, {} rejected",
            of(RecordOutcome::Replaced),
            of(RecordOutcome::Deleted),
            of(RecordOutcome::Rejected),
        )
    }

    fn pauses_line(&self) -> String {
        let (pause, lag) = (self.progress.worst_pause, self.progress.lag);
        let (of_one, which) = self.progress.worst_of_one;
        format!(
            "pauses    {:.1} s at worst, {:.1} s of one partition ({which}); lag {lag} at the end",
            pause.as_secs_f64(),
            of_one.as_secs_f64()
        )
    }

    fn table_line(&self) -> String {
        let (bytes, usage) = (self.live_bytes(), self.last_usage());
        let entries = self.table().map_or(0, |table| table.entry_count);
        let capacity_mib = self.table().map_or(0, |table| table.capacity_bytes) >> 20;
        format!(
            "table     {entries} entries of {} MiB live, {:.1} % of the limit; capacity \
             {capacity_mib} MiB, {} evicted",
            bytes >> 20,
            usage.share(bytes) * 100.0,
            self.table().map_or(0, evicted),
        )
    }

    fn end_line(&self) -> String {
        let memory = match &self.memory {
            Ok(memory) => memory.clone(),
            Err(error) => format!("not known: {error:#}"),
        };
        format!("end       {}\nmemory    {memory}", self.end)
    }

    fn table(&self) -> Option<&TableStats> {
        self.progress.last.tables.first()
    }
}

fn outcome_count(partition: &PartitionStats, outcome: RecordOutcome) -> i64 {
    let found = partition.records.iter().find(|record| record.outcome() == outcome);
    found.map_or(0, |record| record.count)
}

fn evicted(table: &TableStats) -> i64 {
    let found = table.removals.iter().find(|removal| removal.cause() == RemovalCause::Evicted);
    found.map_or(0, |removal| removal.count)
}
