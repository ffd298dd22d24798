//! The cost of ingest compared with a bare poll-and-drop loop, on a real broker, in one run.
//!
//! `cargo bench -p millpond-benches --bench ingest -- --records 1000000 --bytes 2048 --partitions 64`
//!
//! Each side is a separate process that reads the same topic from its beginning. CPU seconds are
//! steadier than wall time, because the broker shares the machine with both.

use clap::{Parser, Subcommand};
use millpond_acceptance::cost::Cost;
use millpond_acceptance::kafka;
use millpond_acceptance::report::say;
use millpond_benches::bare::{self, Bare};
use millpond_benches::reading::Reading;
use millpond_benches::setup::Setup;
use millpond_benches::topic::Topic;
use millpond_benches::workload::{Pointers, Workload};

#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    workload: Workload,
    /// The store: moka or compact
    #[arg(long, default_value = "moka")]
    store: String,
    #[command(subcommand)]
    role: Option<Role>,
    /// Passed by cargo, without effect
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Read a topic and drop the records: one side of the comparison
    #[command(hide = true)]
    Bare(Bare),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(Role::Bare(bare)) = &args.role {
        return bare.poll_and_drop();
    }
    let Some(broker) = kafka::require("the ingest benchmark") else { return Ok(()) };
    let Workload { records, bytes, partitions, threads } = args.workload;
    say(&format!("{records} records of {bytes} B, {partitions} partitions, {threads} threads\n"));
    let name = format!("bench-{}", std::process::id());
    let topic = Topic::create(broker, name, partitions)?;
    topic.produce(bytes, (0..records).map(record))?;
    let bare = bare::measure(broker, &topic.name, &args.workload)?;
    say(&bare.line("poll and drop", records));
    let setup = Setup {
        broker,
        topic: &topic.name,
        pointers: Pointers::MADE_UP,
        store: &args.store,
        tables: 1,
        capacity_bytes: 1 << 30,
        threads,
        container_bytes: None,
        core: None,
    };
    let reading = Reading::read(&setup, records)?;
    say(&reading.cost.line("millpond serve", records));
    say(&format!("{:<16} {:.2} times the CPU of the bare loop", "", ratio(&reading.cost, &bare)));
    say(&reading.pace());
    say(&format!("{}\n{}", reading.accounts(), reading.stats_latency()));
    Ok(())
}

/// The key and the description of a record. All keys differ.
fn record(number: u64) -> (String, String) {
    (format!("key-{number:09}"), format!("what record {number} is about"))
}

fn ratio(served: &Cost, bare: &Cost) -> f64 {
    served.cpu.as_secs_f64() / bare.cpu.as_secs_f64()
}
