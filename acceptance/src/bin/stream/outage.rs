//! An outage of the broker ends no lookups: they go on at a fixed rate while it is killed, stays
//! down and comes back. So do new records, which are read as soon as possible.

mod course;
mod findings;
mod later;
mod lookups;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Parser;
use millpond_acceptance::kafka::KafkaNode;
use millpond_acceptance::producer::Producer;
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;
use millpond_acceptance::stop::StopAtEnd;
use millpond_acceptance::{kafka, topics};

use crate::host::{Own, ready, settings, topic_name};
use crate::numbered::{Numbered, WhenSent};
use course::{Course, Phase};
use findings::{Findings, Outage};
use later::Later;

#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// How long the broker is down before it is started again
    #[arg(long = "for", default_value = "15s", value_parser = humantime::parse_duration)]
    away_for: Duration,
    /// How long the broker is up, before the outage and after it
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
    well_for: Duration,
    /// Records that exist from the start and are looked up throughout
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// Records a second that are produced throughout; they queue up while the broker is down
    #[arg(long, default_value_t = 200)]
    load: u32,
    /// Connections for lookups
    #[arg(long, default_value_t = 4)]
    connections: u64,
    /// Lookups a second on each connection
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Partitions of the topic
    #[arg(long, default_value_t = 16)]
    partitions: i32,
    /// Shut the broker down cleanly instead of killing it
    #[arg(long)]
    in_order: bool,
    #[command(flatten)]
    own: Own,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Vec<String>> {
    let mut node =
        kafka::require_own("outage").context("outage needs a broker that it may stop")?;
    let topic = topic_name("outage");
    topics::create_blocking(node.bootstrap(), &topic, args.partitions, &[])?;
    let stream = Arc::new(Numbered::new(500, WhenSent));
    let mut producer = Producer::new(node.bootstrap(), &topic, args.partitions, "none", stream)?;
    producer.fill(|sent, _| sent < args.records)?;
    let served =
        Served::start_release(&settings(node.bootstrap(), &topic, &args.own), "outage.log")?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(ready(served.rpc()))?;

    let course = Arc::new(Course::new(served.rpc(), producer.delivered(), args.records));
    let lookups = (0..args.connections)
        .map(|number| runtime.spawn(lookups::ask(Arc::clone(&course), args.rate, number)));
    let lookups: Vec<_> = lookups.collect();
    let watching = runtime.spawn(watch::watch(Arc::clone(&course)));
    let (outage, later) = {
        // Whether it succeeded or not.
        let _over = StopAtEnd(&course.over);
        let outage = under_load(producer, args.load, || go_through(&course, &mut node, args))?;
        (outage, runtime.block_on(Later::ask(&course))?)
    };
    let lookups = runtime.block_on(lookups::all(lookups))?;
    let samples = runtime.block_on(watching)??;
    let refused = course.delivered.refused.load(Ordering::Relaxed);
    let findings = Findings { outage, lookups, samples, later, refused };
    say(&findings.report());
    Ok(findings.failures())
}

/// The phases: before the outage, during it, and after it.
fn go_through(course: &Course, node: &mut KafkaNode, args: &Args) -> anyhow::Result<Outage> {
    course.over.within(args.well_for);
    course.enter(Phase::Away);
    if args.in_order { node.stop() } else { node.kill() }?;
    let gone = Instant::now();
    course.over.within(args.away_for);
    let away = gone.elapsed();
    node.restart()?;
    let back = Instant::now();
    course.enter(Phase::After);
    course.wait_until_well();
    course.over.within(args.well_for);
    Ok(Outage { gone, away, back })
}

/// Runs while records are produced, until all are acknowledged.
fn under_load<T>(
    mut producer: Producer<Numbered<WhenSent>>,
    rate: u32,
    part: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let load = threads.spawn(|| producer.keep_adding(rate, &stop));
        let outcome = part();
        stop.store(true, Ordering::Relaxed);
        load.join().map_err(|_| anyhow!("the thread of the load died"))??;
        outcome
    })
}
