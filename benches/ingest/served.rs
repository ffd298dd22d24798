//! The other side: `millpond serve`, watched over its own gRPC while it reads a topic.

use std::time::{Duration, Instant};

use millpond::proto::v1::stats_service_client::StatsServiceClient;
use millpond::proto::v1::{GetStatsRequest, GetStatsResponse, RecordOutcome};

use crate::millpond::{Millpond, Setup};
use crate::process::{Cost, exact};

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// What came of reading a topic to its end.
pub(crate) struct Served {
    pub(crate) millpond: Millpond,
    pub(crate) cost: Cost,
    pub(crate) stats: GetStatsResponse,
    /// From the start of the process.
    pub(crate) ready_after: Duration,
    /// Records handled, and when that was seen.
    seen: Vec<(Duration, u64)>,
    /// How long each call for statistics took.
    took: Vec<Duration>,
}

impl Served {
    /// Starts millpond, and returns when it has handled so many records and is ready.
    pub(crate) fn read(setup: &Setup<'_>, records: u64) -> anyhow::Result<Self> {
        let start = Instant::now();
        let millpond = Millpond::start(setup)?;
        let watch = watch(&millpond.rpc, start, records);
        let Watched { stats, seen, took, all_after } =
            tokio::runtime::Runtime::new()?.block_on(watch)?;
        let ready_after = start.elapsed();
        let cost = Cost::of(millpond.id(), all_after)?;
        Ok(Self { millpond, cost, stats, ready_after, seen, took })
    }

    /// Records a second in the midst of it: between the first and the last tenth.
    pub(crate) fn steady_rate(&self) -> f64 {
        let all = self.seen.last().map_or(0, |&(_, polled)| polled);
        let within =
            |&&(_, polled): &&(Duration, u64)| polled * 10 >= all && polled * 10 <= all * 9;
        let mut midst = self.seen.iter().filter(within);
        let first = midst.next().copied().unwrap_or_default();
        // Too short to have a midst.
        let last = midst.next_back().or(self.seen.last()).copied().unwrap_or_default();
        exact(last.1 - first.1) / last.0.saturating_sub(first.0).as_secs_f64()
    }

    /// The time to readiness, over that of all records at the steady rate.
    pub(crate) fn ready_over_rate(&self) -> f64 {
        let all = self.seen.last().map_or(0, |&(_, polled)| polled);
        self.ready_after.as_secs_f64() * self.steady_rate() / exact(all)
    }

    pub(crate) fn pace(&self) -> String {
        let (rate, ready) = (self.steady_rate(), self.ready_after.as_secs_f64());
        format!("{:<16} {rate:.0} records/s in the midst of it, ready after {ready:.2} s", "")
    }

    pub(crate) fn stats_latency(&self) -> String {
        let mut took = self.took.clone();
        took.sort();
        let at = |per_cent: usize| took[(took.len() - 1) * per_cent / 100].as_micros();
        let (p50, p99, calls) = (at(50), at(99), took.len());
        format!("{:<16} {calls} calls of GetStats meanwhile: p50 {p50} us, p99 {p99} us", "")
    }

    pub(crate) fn accounts(&self) -> String {
        let counted = |outcome: RecordOutcome| -> u64 {
            let all = self.stats.partitions.iter().flat_map(|partition| &partition.records);
            all.filter(|record| record.outcome() == outcome).map(|record| record.count).sum()
        };
        let entries = self.stats.tables.first().map_or(0, |table| table.entry_count);
        let weight = self.stats.tables.first().map_or(0, |table| table.weight_bytes);
        format!(
            "{:<16} {} stored, {} replaced, {} rejected; {entries} entries of {weight} B",
            "",
            counted(RecordOutcome::Stored),
            counted(RecordOutcome::Replaced),
            counted(RecordOutcome::Rejected),
        )
    }
}

struct Watched {
    stats: GetStatsResponse,
    seen: Vec<(Duration, u64)>,
    took: Vec<Duration>,
    all_after: Duration,
}

async fn watch(rpc: &str, start: Instant, records: u64) -> anyhow::Result<Watched> {
    let mut client = StatsServiceClient::connect(format!("http://{rpc}")).await?;
    let (mut seen, mut took, mut all_after) = (Vec::new(), Vec::new(), None);
    loop {
        let asked = Instant::now();
        let stats = client.get_stats(GetStatsRequest {}).await?.into_inner();
        took.push(asked.elapsed());
        let polled = polled(&stats);
        seen.push((start.elapsed(), polled));
        if polled >= records {
            let all_after = *all_after.get_or_insert_with(|| start.elapsed());
            if stats.ready {
                return Ok(Watched { stats, seen, took, all_after });
            }
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

pub(crate) fn polled(stats: &GetStatsResponse) -> u64 {
    stats.partitions.iter().map(|each| each.polled_count).sum()
}
