//! Shows on a real broker, seed by seed: whatever happens to the broker, the stream and the
//! service, the table ends up as the log says.
//!
//! `cargo run --release -p millpond-acceptance --bin chaos -- --seeds 1..20 --for 30s`
//!
//! For each seed, writers fill a topic while the broker and millpond are stopped, killed and
//! restarted. Then another client reads the topic and computes the expected table. Every key is
//! looked up and compared with it. `verdict.rs` has the other checks.

mod answers;
mod args;
mod broker;
mod client;
mod counters;
mod draft;
mod model;
mod report;
mod run;
mod scene;
mod service;
mod verdict;
mod watermarks;
mod writer;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use millpond_acceptance::kafka::{self, KafkaNode};
use millpond_acceptance::report::say;

use args::Args;
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

/// Runs all seeds. Returns how many failed.
fn chaos(args: &Args) -> anyhow::Result<usize> {
    let mut node = kafka::require_own("chaos").context("chaos needs a broker that it may stop")?;
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
