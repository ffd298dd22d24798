//! Whatever happens to broker, stream and service, the table in the end is what the log says:
//! the proof, seed by seed, on a real broker.
//!
//! `cargo bench --bench chaos -- --seeds 1..20 --for 30s`
//!
//! For each seed, writers fill a topic while the broker and millpond are stopped, killed and
//! started again. Then another client reads the topic, and every key's answer has to be what it
//! makes of it. `chaos/verdict.rs` says what else has to hold.

#[path = "chaos/answers.rs"]
mod answers;
#[path = "chaos/args.rs"]
mod args;
#[path = "chaos/books.rs"]
mod books;
#[path = "chaos/broker.rs"]
mod broker;
#[path = "chaos/client.rs"]
mod client;
#[path = "soak/documents.rs"]
mod documents;
#[path = "chaos/draft.rs"]
mod draft;
#[expect(dead_code, reason = "a benchmark uses less of the harness than the tests do")]
#[path = "../tests/it/support/kafka.rs"]
mod kafka;
#[path = "soak/log.rs"]
mod log;
#[path = "chaos/model.rs"]
mod model;
#[path = "ingest/new_topic.rs"]
mod new_topic;
#[path = "chaos/report.rs"]
mod report;
#[path = "chaos/run.rs"]
mod run;
#[path = "chaos/scene.rs"]
mod scene;
#[path = "chaos/served.rs"]
mod served;
#[path = "chaos/service.rs"]
mod service;
#[path = "chaos/stop.rs"]
mod stop;
#[path = "chaos/verdict.rs"]
mod verdict;
#[path = "chaos/watermarks.rs"]
mod watermarks;
#[path = "chaos/writer.rs"]
mod writer;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use args::Args;
use kafka::KafkaNode;
use report::Report;

fn main() -> ExitCode {
    match chaos(&Args::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("FAILED  {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// How many seeds failed.
fn chaos(args: &Args) -> anyhow::Result<usize> {
    let mut node = kafka::require_own("chaos").context("chaos needs a broker of its own")?;
    let mut failed = Vec::new();
    for seed in args.seeds.iter() {
        if !seed_holds(seed, &mut node, args) {
            failed.push(seed);
        }
    }
    say(&format!("{} seeds, {} failed: {failed:?}", args.seeds.count(), failed.len()));
    Ok(failed.len())
}

fn seed_holds(seed: u64, node: &mut KafkaNode, args: &Args) -> bool {
    let outcome = run::run(seed, node, args).inspect(|report| say(&report.line()));
    let failures = outcome.map_or_else(|error| vec![format!("{error:#}")], Report::into_failures);
    for failure in &failures {
        say(&format!("FAILED  seed {seed}: {failure}"));
    }
    if !failures.is_empty() {
        say(&format!("        again: {}", args.again(seed)));
    }
    failures.is_empty()
}

#[expect(clippy::print_stdout, reason = "a benchmark is read on a terminal")]
fn say(line: &str) {
    println!("{line}");
}
