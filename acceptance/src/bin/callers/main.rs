//! Shows that lawful callers lose nothing, however impatient they are: programs in Go, Java, Node
//! and Python, with gRPC's own libraries, give up calls by the thousand, ping, send gzip and hold
//! health watches. And that a rolling restart of two services fails no call.
//!
//! `cargo run --release -p millpond-acceptance --bin callers`
//! `cargo run --release -p millpond-acceptance --bin callers -- --only go`
//! `cargo run --release -p millpond-acceptance --bin callers -- rolling --times 3`
//!
//! It builds the programs in `acceptance/clients/`, each with its language's own tools, and says
//! which it skips for want of them.

mod impatience;
mod relay;
mod rolling;
mod service;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use millpond_acceptance::report::say;

/// Shows that lawful callers lose nothing.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    impatience: impatience::ImpatienceArgs,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Restart two services in turn under steady load
    Rolling(rolling::Args),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let failures = match &args.part {
        None => impatience::run(&args.impatience),
        Some(Part::Rolling(args)) => rolling::run(args),
    };
    let failures = failures.unwrap_or_else(|error| vec![format!("{error:#}")]);
    for failure in &failures {
        say(&format!("FAILED  {failure}"));
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
