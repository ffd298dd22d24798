//! The process stays inside its memory limit whatever the stream does: the proof, over minutes,
//! on a real broker and in a real control group.
//!
//! `cargo bench --bench soak -- --limit 256MiB --backlog 3GB --for 5m`
//!
//! It wants root and a control group with the memory controller, version 1 or 2. It ends with a
//! report, and in failure when a promise was broken; `soak/verdict.rs` has the thresholds.

#[path = "soak/args.rs"]
mod args;
#[expect(dead_code, reason = "a benchmark uses less of the harness than the tests do")]
#[path = "../tests/it/support/container.rs"]
mod container;
#[path = "soak/documents.rs"]
mod documents;
#[path = "soak/findings.rs"]
mod findings;
#[expect(dead_code, reason = "a benchmark uses less of the harness than the tests do")]
#[path = "../tests/it/support/kafka.rs"]
mod kafka;
#[path = "soak/log.rs"]
mod log;
#[path = "soak/lookups.rs"]
mod lookups;
#[path = "soak/lowering.rs"]
mod lowering;
#[path = "ingest/new_topic.rs"]
mod new_topic;
#[expect(dead_code, reason = "the soak prints no line of it")]
#[path = "ingest/process.rs"]
mod process;
#[path = "soak/producer.rs"]
mod producer;
#[path = "soak/progress.rs"]
mod progress;
#[path = "soak/records.rs"]
mod records;
#[path = "soak/run.rs"]
mod run;
#[path = "soak/service.rs"]
mod service;
#[path = "soak/usage.rs"]
mod usage;
#[path = "soak/verdict.rs"]
mod verdict;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;

use args::Args;
use container::Container;
use producer::Producer;
use records::Records;
use service::Service;

const PARTITIONS: i32 = 64;

fn main() -> ExitCode {
    let failures = soak(&Args::parse()).unwrap_or_else(|error| vec![format!("{error:#}")]);
    for failure in &failures {
        say(&format!("FAILED  {failure}"));
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A line for each broken promise.
fn soak(args: &Args) -> anyhow::Result<Vec<String>> {
    // Before minutes are spent on a backlog.
    let container = Container::new(args.limit.as_u64()).context("the soak needs a container")?;
    let broker = kafka::require("the soak").context("the soak needs a broker")?;
    let records = Arc::new(Records::new(args.seed));
    let topic = format!("soak-{}", std::process::id());
    new_topic::create(broker, &topic, PARTITIONS, &[])?;
    let compression = &args.compression;
    let mut producer =
        Producer::new(broker, &topic, PARTITIONS, compression, Arc::clone(&records))?;
    fill(&mut producer, args)?;

    let service = Service::start(broker, &topic, args, container)?;
    say(&format!("millpond listens on {}, its log is {}", service.rpc, service.log.display()));
    let findings = run::run(service, producer, records, args)?;
    say(&findings.report());
    Ok(verdict::failures(&findings))
}

fn fill(producer: &mut Producer, args: &Args) -> anyhow::Result<()> {
    let start = Instant::now();
    let backlog_bytes = args.backlog.as_u64();
    producer.fill(|_, bytes| bytes < backlog_bytes)?;
    let records = producer.delivered().count.load(Ordering::Relaxed);
    let (seconds, seed) = (start.elapsed().as_secs(), args.seed);
    let megabytes = backlog_bytes / 1_000_000;
    say(&format!("backlog: {megabytes} MB, {records} records of seed {seed}, in {seconds} s"));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark is read on a terminal")]
fn say(line: &str) {
    println!("{line}");
}
