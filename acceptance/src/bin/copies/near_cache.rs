//! A near cache never understates how stale it is, and a lookup in it costs next to nothing.
//!
//! Each answer says how stale it is. All records that the broker had acknowledged that long before the
//! lookup have to be in it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Parser;
use millpond_acceptance::report::say;
use millpond_client::v1::GetRequest;
use millpond_client::{Client, ConnectOptions, NearCache, NearCacheOptions};
use tokio::runtime::Runtime;

use crate::answer::Known;
use crate::served::{Scene, TABLE};
use crate::writes::{Log, Writer, key};

const TIMEOUT: Duration = Duration::from_secs(10);
const COST_LOOKUPS: u32 = 20_000;
const MAX_FAILURES: usize = 5;

#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// Records that are written while the cache is asked
    #[arg(long, default_value_t = 100_000)]
    writes: u64,
    /// Records a second
    #[arg(long, default_value_t = 20_000)]
    rate: u64,
    /// Keys that are written and looked up
    #[arg(long, default_value_t = 2_000)]
    keys: usize,
    /// Lookups at once
    #[arg(long, default_value_t = 4)]
    callers: usize,
}

/// What the callers saw.
#[derive(Debug, Default)]
struct Tally {
    near: u64,
    far: u64,
    unknown: u64,
    staleness: Vec<Duration>,
    failures: Vec<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Vec<String>> {
    let scene = Scene::set("near-cache")?;
    let mut writer = Writer::new(scene.broker, &scene.topic, args.keys, args.keys / 2)?;
    writer.fill()?;
    let runtime = Runtime::new()?;
    let _in_runtime = runtime.enter();
    let caller = scene.caller()?;
    runtime.block_on(caller.wait_until_polled(args.keys as u64));
    let client = ConnectOptions::new(scene.endpoint(), TIMEOUT).connect_balanced()?;
    let near = runtime.block_on(NearCache::open(&client, NearCacheOptions::new(TABLE)))?;
    let near = Arc::new(near);
    let (log, stop) = (writer.log(), Arc::new(AtomicBool::new(false)));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let callers: Vec<_> = (0..args.callers)
        .map(|_| {
            let asking = ask(Arc::clone(&near), Arc::clone(&log), args.keys, Arc::clone(&stop));
            runtime.spawn(tell(asking, Arc::clone(&tally)))
        })
        .collect();
    let start = Instant::now();
    writer.keep_writing(args.rate, args.writes, &AtomicBool::new(false))?;
    let seconds = start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        runtime.block_on(caller)??;
    }
    let mut tally = std::mem::take(&mut *tally.lock().unwrap_or_else(PoisonError::into_inner));
    tally.report(&log, seconds)?;
    runtime.block_on(costs(&near, &client))?;
    Ok(tally.failures)
}

async fn tell(
    asking: impl Future<Output = anyhow::Result<Tally>>,
    all: Arc<Mutex<Tally>>,
) -> anyhow::Result<()> {
    let tally = asking.await?;
    all.lock().unwrap_or_else(PoisonError::into_inner).merge(tally);
    Ok(())
}

/// Looks up random keys, and compares each answer with what the broker had taken.
async fn ask(
    near: Arc<NearCache>,
    log: Arc<Log>,
    keys: usize,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let number = fastrand::usize(..keys);
        let asked = Instant::now();
        let answer = near.get(&key(number)).await?;
        let known = Known::of(&answer.result);
        let Some(staleness) = answer.staleness else { continue };
        tally.near += u64::from(answer.is_near);
        tally.far += u64::from(!answer.is_near);
        tally.unknown += u64::from(known == Known::Unknown);
        if answer.is_near && tally.near % 64 == 0 {
            tally.staleness.push(staleness);
        }
        let complete = asked.checked_sub(staleness).context("staler than this machine is old")?;
        let wanted = log.last_at(number, complete);
        if !known.includes(wanted) && tally.failures.len() < MAX_FAILURES {
            tally.failures.push(format!(
                "{}: {known:?} with a staleness of {staleness:?}, and {wanted:?} was acknowledged \
                 before that; from this process: {}",
                key(number),
                answer.is_near
            ));
        }
        if tally.near % 256 == 0 {
            // One thread may run all callers and the watch.
            tokio::task::yield_now().await;
        }
    }
    Ok(tally)
}

impl Tally {
    fn merge(&mut self, other: Self) {
        self.near += other.near;
        self.far += other.far;
        self.unknown += other.unknown;
        self.staleness.extend(other.staleness);
        self.failures.extend(other.failures);
    }

    fn report(&mut self, log: &Log, seconds: f64) -> anyhow::Result<()> {
        self.staleness.sort_unstable();
        let last = self.staleness.len().checked_sub(1).context("nothing was answered from near")?;
        let at = |part: usize| self.staleness[last * part / 100].as_millis();
        let [median, p99, most] = [50, 99, 100].map(at);
        say(&format!(
            "near-cache: {} records in {seconds:.1} s; {} answers from here, {} from the service, {} \
             that did not know; staleness p50 {median} ms, p99 {p99} ms, most {most} ms; {} wrong",
            log.count(),
            self.near,
            self.far,
            self.unknown,
            self.failures.len()
        ));
        if self.near < 10 * self.far {
            self.failures.push("most answers should come from here".into());
        }
        Ok(())
    }
}

/// What a lookup takes here and at the service, one after the other.
async fn costs(near: &NearCache, client: &Client) -> anyhow::Result<()> {
    near.get(&key(0)).await?;
    let start = Instant::now();
    for _ in 0..COST_LOOKUPS {
        let answer = near.get(&key(0)).await?;
        anyhow::ensure!(answer.is_near, "the key left the cache");
    }
    let here = start.elapsed() / COST_LOOKUPS;
    let request = GetRequest { table: TABLE.into(), key: key(0), ..GetRequest::default() };
    let start = Instant::now();
    for _ in 0..COST_LOOKUPS / 10 {
        client.get(request.clone()).await?;
    }
    let there = start.elapsed() / (COST_LOOKUPS / 10);
    let times = there.as_secs_f64() / here.as_secs_f64();
    let costs = format!("near-cache: a hit takes {here:.2?}, a Get {there:.1?}: {times:.0} times");
    say(&costs);
    if times < 10.0 { Err(anyhow!("a hit should cost far less than a Get")) } else { Ok(()) }
}
