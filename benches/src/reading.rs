//! Starts millpond, and observes it through its own gRPC while it reads a topic to the end.

use std::time::{Duration, Instant};

use anyhow::Context;
use millpond_acceptance::caller::polled;
use millpond_acceptance::cargo;
use millpond_acceptance::cost::{Cost, exact};
use millpond_acceptance::served::Served;
use millpond_client::v1::stats_service_client::StatsServiceClient;
use millpond_client::v1::{GetStatsRequest, GetStatsResponse, RecordOutcome};

use crate::setup::Setup;

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// A millpond process that has read a topic to its end, with the measurements.
pub struct Reading {
    /// The process, which is still running.
    pub served: Served,
    /// Its process id.
    pub process: u32,
    /// The cost until all records were handled.
    pub cost: Cost,
    /// The statistics at that moment.
    pub stats: GetStatsResponse,
    /// The time from the start of the process until it was ready.
    pub ready_after: Duration,
    /// The number of records handled, and when it was read.
    seen: Vec<(Duration, u64)>,
    /// The time of each call for statistics.
    took: Vec<Duration>,
}

impl Reading {
    /// Starts millpond, and returns when it has handled this many records and is ready.
    pub fn read(setup: &Setup<'_>, records: u64) -> anyhow::Result<Self> {
        // Built before the clock starts.
        cargo::millpond()?;
        let start = Instant::now();
        let served = setup.start()?;
        let process = served.id().context("millpond has no process")?;
        let watch = watch(served.rpc(), start, records);
        let Watched { stats, seen, took, all_after } =
            tokio::runtime::Runtime::new()?.block_on(watch)?;
        let ready_after = start.elapsed();
        let cost = Cost::of(process, all_after)?;
        Ok(Self { served, process, cost, stats, ready_after, seen, took })
    }

    /// Records a second between the first and the last tenth of the records.
    pub fn steady_rate(&self) -> f64 {
        let all = self.seen.last().map_or(0, |&(_, polled)| polled);
        let within =
            |&&(_, polled): &&(Duration, u64)| polled * 10 >= all && polled * 10 <= all * 9;
        let mut midst = self.seen.iter().filter(within);
        let first = midst.next().copied().unwrap_or_default();
        // The run was too short to leave out its ends.
        let last = midst.next_back().or(self.seen.last()).copied().unwrap_or_default();
        exact(last.1 - first.1) / last.0.saturating_sub(first.0).as_secs_f64()
    }

    /// The time until ready, divided by the time for all records at the steady rate.
    pub fn ready_over_rate(&self) -> f64 {
        let all = self.seen.last().map_or(0, |&(_, polled)| polled);
        self.ready_after.as_secs_f64() * self.steady_rate() / exact(all)
    }

    /// A report line: the speed.
    pub fn pace(&self) -> String {
        let (rate, ready) = (self.steady_rate(), self.ready_after.as_secs_f64());
        format!(
            "{:<16} {rate:.0} records/s between the first and last tenth, ready after {ready:.2} s",
            ""
        )
    }

    /// A report line: the times of calls for statistics.
    pub fn stats_latency(&self) -> String {
        let mut took = self.took.clone();
        took.sort();
        let at = |per_cent: usize| took[(took.len() - 1) * per_cent / 100].as_micros();
        let (p50, p99, calls) = (at(50), at(99), took.len());
        format!("{:<16} {calls} calls of GetStats meanwhile: p50 {p50} us, p99 {p99} us", "")
    }

    /// A report line: the outcomes of the records.
    pub fn accounts(&self) -> String {
        let counted = |outcome: RecordOutcome| -> i64 {
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
