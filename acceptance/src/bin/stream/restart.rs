//! A start reads only records that can still be alive. Most records of the topic have expired. The
//! run counts the records polled until millpond is ready, at its first start and at the next.

mod loaded;
mod sample;
mod timeline;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use millpond_acceptance::producer::Producer;
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;
use millpond_acceptance::size::parse_size;
use millpond_acceptance::{kafka, topics};

use crate::host::{Own, now_ms, settings, topic_name};
use crate::numbered::Numbered;
use loaded::Loaded;
use timeline::Timeline;

#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// Records in the topic, each with its own key
    #[arg(long, default_value_t = 200_000)]
    records: u64,
    /// How many in a hundred of them have not expired
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    inside: u32,
    /// Bytes of one document
    #[arg(long, default_value_t = 500)]
    bytes: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 16)]
    partitions: i32,
    /// Bytes of one segment of the topic's log; the broker takes no less than 1 MiB
    #[arg(long = "segment", value_name = "SIZE", default_value = "1MiB", value_parser = parse_size)]
    segment_bytes: u64,
    /// How far the time of a record may be before that of the record before it
    #[arg(long, default_value = "1m", value_parser = humantime::parse_duration)]
    disorder: Duration,
    #[command(flatten)]
    own: Own,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Vec<String>> {
    let broker = kafka::require("restart").context("restart needs a broker")?;
    let topic = topic_name("restart");
    let timeline = Timeline::new(args.records, args.inside, args.disorder);
    let stream = Arc::new(Numbered::new(args.bytes, timeline));
    fill(broker, &topic, &stream, args)?;
    let timeline = &stream.time;

    let runtime = tokio::runtime::Runtime::new()?;
    let measure = |since, rpc: &str| runtime.block_on(Loaded::measure(since, rpc, timeline));
    let settings = settings(broker, &topic, &args.own);
    let since = (Instant::now(), now_ms());
    let mut served = Served::start_release(&settings, "restart.log")?;
    let first = measure(since, served.rpc())?;
    say(&first.line("start"));
    served.kill()?;
    let since = (Instant::now(), now_ms());
    served.run()?;
    let again = measure(since, served.rpc())?;
    say(&again.line("restart"));
    drop(served);

    let mut from_earliest = settings;
    from_earliest.push("ingest.start=earliest".into());
    let since = (Instant::now(), now_ms());
    let served = Served::start_release(&from_earliest, "restart-earliest.log")?;
    let all = measure(since, served.rpc())?;
    say(&all.line("earliest"));
    Ok([first.failures("start"), again.failures("restart"), all.failures_of_all(args.records)]
        .concat())
}

fn fill(
    broker: &str,
    topic: &str,
    stream: &Arc<Numbered<Timeline>>,
    args: &Args,
) -> anyhow::Result<()> {
    let Args { records, bytes, partitions, disorder, .. } = *args;
    let segment_bytes = args.segment_bytes.to_string();
    topics::create_blocking(broker, topic, partitions, &[("segment.bytes", &segment_bytes)])?;
    let mut producer = Producer::new(broker, topic, partitions, "none", Arc::clone(stream))?;
    let start = Instant::now();
    producer.fill(|sent, _| sent < records)?;
    say(&format!(
        "topic     {records} records of {bytes} B, made in {:.1} s: {:.1} days in {partitions} \
         partitions of about {} segments; out of order by up to {disorder:?}",
        start.elapsed().as_secs_f64(),
        stream.time.days(),
        records * (bytes as u64 + 30) / u64::try_from(partitions)? / args.segment_bytes + 1,
    ));
    Ok(())
}
