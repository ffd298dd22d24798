//! The findings of one start: the records polled until it was ready, and whether the right entries
//! exist.

use std::time::{Duration, Instant};

use anyhow::Context;
use millpond_acceptance::caller::polled;
use millpond_client::v1::{GetStatsResponse, RecordOutcome};

use super::sample::Sample;
use super::timeline::Timeline;
use crate::host::{now_ms, ready};

/// The broker finds the first live record by its time index, and then record by record. All records
/// after it are read, expired ones among them too.
const MOST_POLLED: f64 = 1.1;

pub(crate) struct Loaded {
    polled: u64,
    stored: u64,
    expired: u64,
    /// The records that were alive before millpond was started, and when it was ready.
    alive: [u64; 2],
    took: Duration,
    sample: Sample,
}

impl Loaded {
    /// The findings about a process that was started at `since`, by both clocks.
    pub(crate) async fn measure(
        since: (Instant, i64),
        rpc: &str,
        timeline: &Timeline,
    ) -> anyhow::Result<Self> {
        let stats = ready(rpc).await?;
        let (took, ready_ms) = (since.0.elapsed(), now_ms());
        let sample = Sample::ask(rpc, timeline).await?;
        Ok(Self {
            polled: polled(&stats),
            stored: stats.tables.first().context("no table")?.stored_count.cast_unsigned(),
            expired: outcome(&stats, RecordOutcome::ExpiredOnArrival),
            alive: [since.1, ready_ms].map(|at_ms| timeline.alive(at_ms)),
            took,
            sample,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a ratio to a few digits")]
    fn ratio(&self) -> f64 {
        self.polled as f64 / self.alive[0] as f64
    }

    pub(crate) fn line(&self, what: &str) -> String {
        let Self { polled, stored, expired, alive, .. } = self;
        format!(
            "{what:<9} {polled} records polled, {} are inside the time to live: {:.4}; {stored} \
             stored, {expired} expired on arrival; ready after {:.2} s\n{:<9} {}",
            alive[0],
            self.ratio(),
            self.took.as_secs_f64(),
            "",
            self.sample.line(),
        )
    }

    pub(crate) fn failures(&self, what: &str) -> Vec<String> {
        let mut failures = self.failures_of_table(what);
        if self.ratio() > MOST_POLLED {
            failures.push(format!("{what}: more was read than can be alive: {:.2}", self.ratio()));
        }
        failures
    }

    /// The failures of a start that should have read all records.
    pub(crate) fn failures_of_all(&self, records: u64) -> Vec<String> {
        let mut failures = self.failures_of_table("earliest");
        if self.polled != records {
            failures.push(format!("earliest: {} of {records} records were read", self.polled));
        }
        failures
    }

    fn failures_of_table(&self, what: &str) -> Vec<String> {
        let [before, at_ready] = self.alive;
        let mut failures = self.sample.failures.clone();
        if !(at_ready..=before).contains(&self.stored) {
            let stored = self.stored;
            failures.push(format!("{stored} are stored, and {at_ready} to {before} are alive"));
        }
        if self.stored + self.expired != self.polled {
            failures.push(format!("{} were polled, which the outcomes are not", self.polled));
        }
        failures.into_iter().map(|failure| format!("{what}: {failure}")).collect()
    }
}

fn outcome(stats: &GetStatsResponse, outcome: RecordOutcome) -> u64 {
    let all = stats.partitions.iter().flat_map(|partition| &partition.records);
    let count: i64 = all.filter(|each| each.outcome() == outcome).map(|each| each.count).sum();
    count.cast_unsigned()
}
