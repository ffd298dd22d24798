//! Shows over minutes, on a real broker and in a real control group: the process stays inside its
//! memory limit whatever the stream does.
//!
//! `cargo run --release -p millpond-acceptance --bin soak -- --limit 256MiB --backlog 3GB --for 5m`
//!
//! It needs root and a control group with the memory controller, version 1 or 2. It prints a report
//! and fails if a promise was broken. `verdict.rs` has the thresholds.

mod args;
mod findings;
mod lookups;
mod lowering;
mod progress;
mod run;
mod service;
mod usage;
mod verdict;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use millpond_acceptance::container::Container;
use millpond_acceptance::producer::Producer;
use millpond_acceptance::records::Records;
use millpond_acceptance::report::say;
use millpond_acceptance::{kafka, topics};

use args::Args;
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
    // First of all, before minutes are spent on a backlog.
    let container = Container::new(args.limit_bytes).context("the soak needs a container")?;
    let broker = kafka::require("the soak").context("the soak needs a broker")?;
    let records = Arc::new(Records::new(args.seed));
    let topic = format!("soak-{}", std::process::id());
    topics::create_blocking(broker, &topic, PARTITIONS, &[])?;
    let compression = &args.compression;
    let mut producer =
        Producer::new(broker, &topic, PARTITIONS, compression, Arc::clone(&records))?;
    fill(&mut producer, args)?;

    let service = Service::start(broker, &topic, args, container)?;
    say(&format!(
        "millpond listens on {}, its log is {}",
        service.served.rpc(),
        service.served.log().display()
    ));
    let findings = run::run(service, producer, records, args)?;
    say(&findings.report());
    Ok(verdict::failures(&findings))
}

fn fill(producer: &mut Producer, args: &Args) -> anyhow::Result<()> {
    let start = Instant::now();
    let backlog_bytes = args.backlog_bytes;
    producer.fill(|_, bytes| bytes < backlog_bytes)?;
    let records = producer.delivered().count.load(Ordering::Relaxed);
    let (seconds, seed) = (start.elapsed().as_secs(), args.seed);
    let megabytes = backlog_bytes / 1_000_000;
    say(&format!("backlog: {megabytes} MB, {records} records of seed {seed}, in {seconds} s"));
    Ok(())
}
