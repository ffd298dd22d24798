//! What ingest costs beside a bare poll-and-drop loop, on a real broker, in one run.
//!
//! `cargo bench --bench ingest -- --records 1000000 --bytes 2048 --partitions 64`
//!
//! Each side is a process of its own that reads the same topic from its beginning. CPU
//! seconds are steadier than wall time: the broker shares the machine with both.

#[path = "ingest/bare.rs"]
mod bare;
#[expect(
    dead_code,
    unused_imports,
    reason = "a benchmark uses less of the harness than the tests do"
)]
#[path = "../tests/it/support/kafka.rs"]
mod kafka;
#[path = "ingest/new_topic.rs"]
mod new_topic;
#[path = "ingest/process.rs"]
mod process;
#[path = "ingest/served.rs"]
mod served;
#[path = "ingest/topic.rs"]
mod topic;

use clap::Parser;

use process::Cost;
use topic::Topic;

#[derive(Debug, Clone, Parser)]
struct Args {
    /// Records to produce and read
    #[arg(long, default_value_t = 100_000)]
    records: u64,
    /// Bytes of one document
    #[arg(long, default_value_t = 2_048)]
    bytes: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 64)]
    partitions: i32,
    /// Threads that read, each with a client of its own
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Read this topic at this broker and drop the records: one side of the comparison
    #[arg(long, num_args = 2, value_names = ["BROKER", "TOPIC"], hide = true)]
    bare: Option<Vec<String>>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some([broker, topic]) = args.bare.as_deref() {
        return bare::poll_and_drop(broker, topic, &args);
    }
    let Some(broker) = kafka::require("the ingest benchmark") else { return Ok(()) };
    let Args { records, bytes, partitions, threads, .. } = args;
    say(&format!("{records} records of {bytes} B, {partitions} partitions, {threads} threads\n"));
    let topic = Topic::produce(broker, &args)?;
    let bare = bare::measure(broker, &topic.name, &args)?;
    say(&bare.line("poll and drop", records));
    let (served, accounts) = served::measure(broker, &topic.name, &args)?;
    say(&served.line("millpond serve", records));
    say(&format!("{:<16} {:.2} times the CPU of the bare loop", "", ratio(&served, &bare)));
    say(&accounts);
    Ok(())
}

fn ratio(served: &Cost, bare: &Cost) -> f64 {
    served.cpu.as_secs_f64() / bare.cpu.as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "a benchmark is read on a terminal")]
fn say(line: &str) {
    println!("{line}");
}
