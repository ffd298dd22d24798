//! Shows that a port with TLS and a policy is closed to all but those who were named, and what it
//! costs: the recipes of `docs/SECURING.md` as they are printed, certificates that are rotated under
//! load, a scan by OpenSSL's own client, a search of all output for secrets, and the CPU time.
//!
//! `cargo run --release -p millpond-acceptance --bin security`
//! `cargo run --release -p millpond-acceptance --bin security -- recipes --only go`
//! `cargo run --release -p millpond-acceptance --bin security -- rotation --times 10`
//!
//! It makes its authorities, certificates and tokens anew, and keeps none. It needs `openssl`. What
//! else a part needs and the machine lacks, it says and skips.

mod connection;
mod cost;
mod jwt;
mod openssl;
mod page;
mod recipes;
mod rotation;
mod scan;
mod scene;
mod secrets;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use millpond_acceptance::report::say;

/// Shows that a port with TLS and a policy is closed to all but those who were named.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Start the service with each recipe of docs/SECURING.md, and connect from each language
    Recipes(recipes::Args),
    /// Rotate certificate and authority under load
    Rotation(rotation::Args),
    /// List what the TLS port offers, as a scanner sees it
    Scan,
    /// Search all output of a run for each secret of its configuration
    Secrets,
    /// Compare the CPU time of calls with TLS and a policy, and without
    Cost(cost::Args),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let failures = run(args.part).unwrap_or_else(|error| vec![format!("{error:#}")]);
    for failure in &failures {
        say(&format!("FAILED  {failure}"));
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A line for each broken promise.
fn run(part: Option<Part>) -> anyhow::Result<Vec<String>> {
    match part {
        Some(Part::Recipes(args)) => recipes::run(&args),
        Some(Part::Rotation(args)) => rotation::run(&args),
        Some(Part::Scan) => scan::run(),
        Some(Part::Secrets) => secrets::run(),
        Some(Part::Cost(args)) => cost::run(&args),
        None => {
            let parts = [
                recipes::run(&recipes::Args::default())?,
                rotation::run(&rotation::Args::default())?,
                scan::run()?,
                secrets::run()?,
                cost::run(&cost::Args::default())?,
            ];
            Ok(parts.concat())
        }
    }
}
