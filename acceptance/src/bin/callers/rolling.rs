//! Restarts two services in turn while callers look up keys over both: no call fails, and none is
//! told that a key is missing while its table loads.

mod command_line;
mod go;
mod load;
mod outcomes;
mod package;
mod shared_name;
mod target;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;
use millpond_acceptance::producer::Producer;
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;
use millpond_acceptance::{cargo, kafka, topics};

use crate::service::{Entries, INSTANCES, TABLE, instance_field, key, settings};
use load::Load;
use shared_name::SharedName;
use target::Target;

const PARTITIONS: i32 = 8;
const READY_PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);
/// So many keys are looked up: those of the last records that a service reads, which are missing for
/// the longest time.
const KEYS: u64 = 16;

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// How often each service is restarted
    #[arg(long, default_value_t = 3)]
    times: u32,
    /// Records that a service reads before it is ready again
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(KEYS..))]
    records: u64,
    /// For how long callers run alone before, between and after the restarts
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = humantime::parse_duration)]
    between: Duration,
    /// A caller to try alone; may be several, with commas
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = callers())]
    only: Vec<String>,
    /// Another setting of millpond
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

fn callers() -> PossibleValuesParser {
    PossibleValuesParser::new(load::names())
}

/// A line for each promise that was broken.
pub(crate) fn run(args: &Args) -> anyhow::Result<Vec<String>> {
    let load = Load::build(&args.only)?;
    let broker = kafka::require("the rolling restart").context("this needs a broker")?;
    let topic = format!("rolling-{}", std::process::id());
    topics::create_blocking(broker, &topic, PARTITIONS, &[])?;
    let mut producer = Producer::new(broker, &topic, PARTITIONS, "none", Arc::new(Entries))?;
    producer.fill(|records, _| records < args.records)?;
    let addresses = shared_name::free_addresses()?;
    let [first, second] = [0, 1].map(|index| (&addresses[index], INSTANCES[index]));
    let mut services = [start(broker, &topic, first, args)?, start(broker, &topic, second, args)?];
    for address in &addresses {
        wait_until_ready(address)?;
    }
    let keys = (args.records - KEYS..args.records).map(key).collect();
    let name = SharedName::new(&addresses)?;
    let running = load.start(&Target { addresses, name, table: TABLE, keys })?;
    std::thread::park_timeout(args.between);
    for _ in 0..args.times {
        for service in &mut services {
            restart(service)?;
            std::thread::park_timeout(args.between);
        }
    }
    let failures = running.stop()?;
    for service in &mut services {
        service.stop()?;
    }
    Ok(failures)
}

fn start(
    broker: &str,
    topic: &str,
    (address, instance): (&String, &str),
    args: &Args,
) -> anyhow::Result<Served> {
    let mut settings = settings(broker, topic, address, &args.settings);
    settings.push(instance_field(instance));
    Served::start_release(&settings, &format!("{topic}-{instance}.log"))
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
    Ok(())
}

fn wait_until_ready(address: &str) -> anyhow::Result<()> {
    let (millpond, start) = (cargo::millpond()?, Instant::now());
    while !command_line::is_ready(&millpond, address)? {
        ensure!(start.elapsed() < READY_PATIENCE, "{address} is not ready");
        std::thread::park_timeout(LOOK);
    }
    Ok(())
}
