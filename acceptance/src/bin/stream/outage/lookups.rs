//! Lookups at a fixed rate throughout. Each one is right, or has failed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use fastrand::Rng;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, timeout};

use super::course::{Course, Phase};
use super::later::is_right;
use crate::asking::{Client, SLOWEST_CALL, channel, get};
use crate::latencies::Latencies;
use crate::numbered::key;

/// The most that a timer alone may be late.
const TIMER: Duration = Duration::from_millis(2);
/// The most failures that are shown.
const SHOWN: usize = 5;

/// The outcomes of the lookups of one phase.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) failed: u64,
    pub(crate) latencies: Latencies,
    pub(crate) shown: Vec<String>,
}

/// The outcomes of each phase.
pub(crate) type Tallies = [Tally; Phase::ALL.len()];

/// Looks up keys over its own connection until the end. If a slow lookup delays the next one, the
/// latency of the next one counts from the time when it was due.
pub(crate) async fn ask(course: Arc<Course>, rate: u32, seed: u64) -> anyhow::Result<Tallies> {
    let mut client = Client::new(channel(&course.rpc)?);
    let (mut rng, mut tallies) = (Rng::with_seed(seed), Tallies::default());
    let mut tick = interval(Duration::from_secs(1) / rate);
    while !course.is_over() {
        let due = tick.tick().await;
        let from = if due.elapsed() > TIMER { due } else { Instant::now() };
        let (phase, number) = (course.phase(), rng.u64(..course.records));
        let outcome = lookup(&mut client, number).await;
        tallies[phase as usize].add(from.elapsed(), outcome);
    }
    Ok(tallies)
}

async fn lookup(client: &mut Client, number: u64) -> anyhow::Result<()> {
    let (answer, as_of) = timeout(SLOWEST_CALL, get(client, &key(number), None)).await??;
    ensure!(is_right(number, &answer), "{} is {answer:?}", key(number));
    ensure!(as_of.ready, "an answer of a table that is not ready");
    Ok(())
}

impl Tally {
    fn add(&mut self, took: Duration, outcome: anyhow::Result<()>) {
        self.latencies.add(took);
        if let Err(error) = outcome {
            self.failed += 1;
            self.show(format!("{error:#}"));
        }
    }

    fn show(&mut self, failure: String) {
        self.shown.push(failure);
        self.shown.truncate(SHOWN);
    }

    fn merge(&mut self, other: Self) {
        self.failed += other.failed;
        self.latencies.merge(other.latencies);
        other.shown.into_iter().for_each(|failure| self.show(failure));
    }
}

/// The sum over all connections.
pub(crate) async fn all(
    asking: Vec<JoinHandle<anyhow::Result<Tallies>>>,
) -> anyhow::Result<Tallies> {
    let mut all = Tallies::default();
    for connection in asking {
        for (tally, of_one) in all.iter_mut().zip(connection.await??) {
            tally.merge(of_one);
        }
    }
    Ok(all)
}
