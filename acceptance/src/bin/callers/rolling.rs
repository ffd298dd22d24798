//! Restarts two services in turn while callers look up a key over both: no call fails, and none is
//! told that a key is missing while its table loads.

mod command_line;
mod go;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args as ClapArgs;
use millpond_acceptance::producer::Producer;
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;
use millpond_acceptance::{cargo, kafka, topics};

use crate::service::{Entries, TABLE, key, settings};
use command_line::CommandLine;
use go::GoCaller;

const PARTITIONS: i32 = 8;
const READY_PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);
/// Callers run alone for so long before, between and after the restarts.
const BETWEEN: Duration = Duration::from_secs(3);

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// How often each service is restarted
    #[arg(long, default_value_t = 3)]
    times: u32,
    /// Records that a service reads before it is ready again
    #[arg(long, default_value_t = 300_000)]
    records: u64,
    /// Another setting of millpond
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

/// A line for each promise that was broken.
pub(crate) fn run(args: &Args) -> anyhow::Result<Vec<String>> {
    let broker = kafka::require("the rolling restart").context("this needs a broker")?;
    let topic = format!("rolling-{}", std::process::id());
    topics::create_blocking(broker, &topic, PARTITIONS, &[])?;
    let mut producer = Producer::new(broker, &topic, PARTITIONS, "none", Arc::new(Entries))?;
    producer.fill(|records, _| records < args.records)?;
    let mut services = [start(broker, &topic, 1, args)?, start(broker, &topic, 2, args)?];
    let addresses = services.each_ref().map(|service| service.rpc().to_owned());
    for address in &addresses {
        wait_until_ready(address)?;
    }
    // The last record that a service reads: it is missing for the longest time.
    let key = key(args.records - 1);
    let go = GoCaller::start(&addresses, TABLE, &key)?;
    let command_line = CommandLine::start(&addresses, TABLE, &key)?;
    pause();
    for _ in 0..args.times {
        for service in &mut services {
            restart(service)?;
        }
    }
    let failures = [go.stop()?, command_line.stop()?];
    for service in &mut services {
        service.stop()?;
    }
    Ok(failures.concat())
}

fn start(broker: &str, topic: &str, number: u32, args: &Args) -> anyhow::Result<Served> {
    // A restart must find its port again, so it is chosen here.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let settings = settings(broker, topic, &port, &args.settings);
    Served::start_release(&settings, &format!("{topic}-{number}.log"))
}

fn restart(service: &mut Served) -> anyhow::Result<()> {
    let start = Instant::now();
    let status = service.stop()?.context("it had to be killed")?;
    ensure!(status.success(), "it ended with {status}");
    let (took, again) = (start.elapsed(), Instant::now());
    service.run()?;
    wait_until_ready(service.rpc())?;
    say(&format!(
        "{} stopped in {:.2} s and was ready {:.2} s later",
        service.rpc(),
        took.as_secs_f64(),
        again.elapsed().as_secs_f64()
    ));
    pause();
    Ok(())
}

fn pause() {
    std::thread::park_timeout(BETWEEN);
}

fn wait_until_ready(address: &str) -> anyhow::Result<()> {
    let (millpond, start) = (cargo::millpond()?, Instant::now());
    while !command_line::is_ready(&millpond, address)? {
        ensure!(start.elapsed() < READY_PATIENCE, "{address} is not ready");
        std::thread::park_timeout(LOOK);
    }
    Ok(())
}
