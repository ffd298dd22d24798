//! A client that looks up keys as fast as its rate allows, and checks each answer to the last byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use fastrand::Rng;
use millpond_acceptance::producer::Delivered;
use millpond_acceptance::records::Records;
use millpond_client::v1::lookup_service_client::LookupServiceClient;
use millpond_client::v1::value::Kind;
use millpond_client::v1::{BatchGetRequest, Entry, GetRequest, lookup_result::Outcome};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::transport::{Channel, Endpoint};

/// A call that takes longer counts as failed.
pub(crate) const SLOWEST_CALL: Duration = Duration::from_secs(10);
const BATCHES: [usize; 2] = [10, 100];
/// The number of records, handled last, whose keys count as recent.
const RECENT_RECORDS: u64 = 50_000;
/// The most failures that are shown.
const SHOWN_FAILURES: usize = 5;
const SHOWN_CHARS: usize = 200;

/// What the clients know of the stream, and the signal to stop.
pub(crate) struct Asked {
    pub(crate) rpc: String,
    pub(crate) rate: u32,
    pub(crate) records: Arc<Records>,
    pub(crate) delivered: Arc<Delivered>,
    /// The number of records that millpond has handled.
    pub(crate) polled: AtomicU64,
    pub(crate) stop: AtomicBool,
}

/// The outcomes of the calls.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    /// Entries that match the stream.
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) micros: Vec<u32>,
    pub(crate) failures: Vec<String>,
}

/// Looks up keys over its own connection until the signal to stop.
pub(crate) async fn ask(asked: Arc<Asked>, seed: u64) -> anyhow::Result<Tally> {
    let endpoint = Endpoint::from_shared(format!("http://{}", asked.rpc))?;
    let mut client = LookupServiceClient::new(endpoint.connect_lazy());
    let (mut rng, mut tally) = (Rng::with_seed(seed), Tally::default());
    let mut tick = interval(Duration::from_secs(1) / asked.rate);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !asked.stop.load(Ordering::Relaxed) {
        tick.tick().await;
        let keys = keys(&asked, &mut rng);
        let start = Instant::now();
        let answer = timeout(SLOWEST_CALL, call(&mut client, &keys)).await;
        // Measured before the answer is checked, since the check takes time too.
        let took = start.elapsed();
        let outcome = answer.context("no answer in time").flatten();
        tally.add(took, outcome.and_then(|entries| asked.check(&keys, &entries)));
    }
    Ok(tally)
}

/// One key or a batch: recent ones, older ones, and some that never exist.
fn keys(asked: &Asked, rng: &mut Rng) -> Vec<String> {
    let count = if rng.bool() { 1 } else { BATCHES[rng.usize(..BATCHES.len())] };
    let end = asked.delivered.count.load(Ordering::Relaxed).max(1);
    let polled = asked.polled.load(Ordering::Relaxed).clamp(1, end);
    let mut key = || match rng.u8(..10) {
        ..5 => asked.records.key(rng.u64(polled.saturating_sub(RECENT_RECORDS)..polled)),
        5..8 => asked.records.key(rng.u64(..end)),
        _ => Records::foreign_key(rng.u64(..end)),
    };
    (0..count).map(|_| key()).collect()
}

/// The value of each key, in the order of the keys.
async fn call(
    client: &mut LookupServiceClient<Channel>,
    keys: &[String],
) -> anyhow::Result<Vec<Option<Entry>>> {
    let table = "services".to_owned();
    if let [key] = keys {
        let answer = client
            .get(GetRequest { table, key: key.clone(), ..Default::default() })
            .await?
            .into_inner();
        return match answer.result.and_then(|result| result.outcome).context("no outcome")? {
            Outcome::Entry(entry) => Ok(vec![Some(entry)]),
            Outcome::Miss(_) => Ok(vec![None]),
        };
    }
    let request = BatchGetRequest { table, keys: keys.to_vec(), ..Default::default() };
    let answer = client.batch_get(request).await?.into_inner();
    let entry = |outcome| match outcome {
        Outcome::Entry(entry) => Some(entry),
        Outcome::Miss(_) => None,
    };
    let results = answer.results.into_iter();
    results.map(|result| Ok(entry(result.outcome.context("no outcome")?))).collect()
}

impl Asked {
    /// Checks all answers. Returns the number of entries.
    fn check(&self, keys: &[String], entries: &[Option<Entry>]) -> anyhow::Result<(u64, u64)> {
        let (asked, answered) = (keys.len(), entries.len());
        ensure!(asked == answered, "{answered} answers to {asked} keys");
        let mut hits = 0;
        for (key, entry) in keys.iter().zip(entries) {
            let Some(entry) = entry else { continue };
            ensure!(&entry.key == key, "{} in answer to {key}", entry.key);
            let value = entry.fields.get("description").and_then(|value| value.kind.as_ref());
            let Some(Kind::StringValue(value)) = value else { bail!("no text under {key}") };
            let beginning: String = value.chars().take(40).collect();
            ensure!(self.records.is_value(key, value), "under {key} there is {beginning:?}");
            hits += 1;
        }
        Ok((hits, asked as u64 - hits))
    }
}

impl Tally {
    fn add(&mut self, took: Duration, outcome: anyhow::Result<(u64, u64)>) {
        self.done += 1;
        self.micros.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        match outcome {
            Ok((hits, misses)) => {
                self.hits += hits;
                self.misses += misses;
            }
            Err(error) => {
                self.failed += 1;
                self.failures.push(shown(&error));
                self.failures.truncate(SHOWN_FAILURES);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.hits += other.hits;
        self.misses += other.misses;
        self.micros.extend(other.micros);
        self.failures.extend(other.failures);
        self.failures.truncate(SHOWN_FAILURES);
    }

    /// The time that this percentage of the calls did not exceed.
    pub(crate) fn percentile(&self, per_cent: usize) -> Duration {
        let mut micros = self.micros.clone();
        micros.sort_unstable();
        let last = micros.len().saturating_sub(1);
        let at = micros.get(last * per_cent / 100).copied().unwrap_or(0);
        Duration::from_micros(at.into())
    }
}

/// The first part of an error, which names the cause. The rest is detail of the transport.
pub(crate) fn shown(error: &anyhow::Error) -> String {
    format!("{error:#}").chars().take(SHOWN_CHARS).collect()
}
