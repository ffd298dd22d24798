//! A writer reads its own writes: it looks up a key as soon as the broker has acknowledged its
//! record, names the place of the record, and never gets an older one.
//!
//! One write in five is looked up without naming the place. The share of stale answers among those
//! shows that the others could be stale too.

mod acknowledged;
mod tally;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow};
use clap::Parser;
use millpond_acceptance::producer::Producer;
use millpond_acceptance::records::Records;
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;
use millpond_acceptance::{kafka, topics};
use tokio::task::JoinSet;

use crate::host::{Own, ready, settings, topic_name};
use acknowledged::Acknowledged;
use tally::Tally;
use writer::{Scene, Writer};

#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// Writes that are looked up by their place, in each of the three parts
    #[arg(long, default_value_t = 1_000)]
    writes: u64,
    /// Writers at once, in the second and the third part
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    writers: u64,
    /// Keys that the writers replace again and again
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    keys: u64,
    /// Other records a second that are produced meanwhile, in the third part
    #[arg(long, default_value_t = 2_000)]
    load: u32,
    /// Partitions of the topic
    #[arg(long, default_value_t = 16)]
    partitions: i32,
    #[command(flatten)]
    own: Own,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Vec<String>> {
    let broker = kafka::require("own-writes").context("own-writes needs a broker")?;
    let topic = topic_name("own-writes");
    topics::create_blocking(broker, &topic, args.partitions, &[])?;
    let served = Served::start_release(&settings(broker, &topic, &args.own), "own-writes.log")?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(ready(served.rpc()))?;
    let acknowledged = Acknowledged::new(broker)?;
    let rpc = served.rpc().to_owned();
    let scene = Arc::new(Scene { rpc, topic: topic.clone(), keys: args.keys, acknowledged });

    let part = |name: String, writers: u64| {
        let tally = runtime.block_on(write(&scene, writers, args.writes.div_ceil(writers)))?;
        say(&tally.report(&name));
        anyhow::Ok((tally.shows_staleness(), tally.failures(&name)))
    };
    let Args { writers, load, .. } = *args;
    let parts = [
        part("1 writer".into(), 1)?,
        part(format!("{writers} writers"), writers)?,
        under_load(broker, &topic, args, || {
            part(format!("{writers} writers, {load} other records/s"), writers)
        })?,
    ];
    let shown = parts.iter().any(|(shows_staleness, _)| *shows_staleness);
    let unshown =
        (!shown).then(|| "no plain answer was stale, so the run shows nothing".to_owned());
    Ok(parts.into_iter().flat_map(|(_, failures)| failures).chain(unshown).collect())
}

/// Each writer writes this many records, and looks each of them up.
async fn write(scene: &Arc<Scene>, writers: u64, each: u64) -> anyhow::Result<Tally> {
    let start = |number| Writer::new(Arc::clone(scene), number);
    let writers = (0..writers).map(start).collect::<anyhow::Result<Vec<_>>>()?;
    let mut running: JoinSet<_> = writers.into_iter().map(|writer| writer.run(each)).collect();
    let mut tally = Tally::default();
    while let Some(of_one) = running.join_next().await {
        tally.merge(of_one??);
    }
    Ok(tally)
}

/// The same, while documents of all sizes, tombstones and bad records are produced.
fn under_load<T>(
    broker: &str,
    topic: &str,
    args: &Args,
    part: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let records = Arc::new(Records::new(1));
    let mut producer = Producer::new(broker, topic, args.partitions, "none", records)?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let load = threads.spawn(|| producer.keep_adding(args.load, &stop));
        let outcome = part();
        stop.store(true, Ordering::Relaxed);
        load.join().map_err(|_| anyhow!("the thread of the load died"))??;
        outcome
    })
}
