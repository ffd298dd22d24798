//! Shows that lawful callers lose nothing, however impatient they are: programs in Go, Java, Node
//! and Python, with gRPC's own libraries, give up calls by the thousand, ping, send gzip and hold
//! health watches. And that a rolling restart of two services fails no call, made by the packages in
//! `clients/` too.
//!
//! `cargo run --release -p millpond-acceptance --bin callers`
//! `cargo run --release -p millpond-acceptance --bin callers -- --only go`
//! `cargo run --release -p millpond-acceptance --bin callers -- rolling --times 3`
//! `cargo run --release -p millpond-acceptance --bin callers -- rolling --only go,java`
//!
//! It builds the programs in `acceptance/clients/` and `acceptance/packages/`, each with its
//! language's own tools, and says which it skips for want of them.

mod impatience;
mod relay;
mod rolling;
mod rust_caller;
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
    /// Look up keys as the others do, by the Rust client
    #[command(name = rust_caller::COMMAND, hide = true)]
    LookUp(rust_caller::Args),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let failures = match args.part {
        None => impatience::run(&args.impatience),
        Some(Part::Rolling(args)) => rolling::run(&args),
        Some(Part::LookUp(args)) => rust_caller::run(args).map(|()| Vec::new()),
    };
    let failures = failures.unwrap_or_else(|error| vec![format!("{error:#}")]);
    for failure in &failures {
        say(&format!("FAILED  {failure}"));
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
