//! Shows that what callers copy from a table is right while the table changes fast, on a real broker.
//!
//! `cargo run --release -p millpond-acceptance --bin copies -- near-cache --writes 1000000`
//! `cargo run --release -p millpond-acceptance --bin copies -- scan --rate 100000 --scans 20`
//!
//! Without a name, short forms of both run. Each fails if an answer is wrong.

mod answer;
mod near_cache;
mod scan;
mod served;
mod writes;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use millpond_acceptance::report::say;

#[derive(Debug, Clone, Parser)]
#[command(disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Clone, Subcommand)]
enum Part {
    /// A near cache never understates how stale it is
    NearCache(near_cache::Args),
    /// A scan has each entry once, as the stream left it
    Scan(scan::Args),
}

impl Part {
    /// Short forms of both.
    fn all() -> Vec<Self> {
        let each = ["near-cache", "scan"].map(|name| Args::parse_from(["", name]));
        each.into_iter().filter_map(|args| args.part).collect()
    }

    /// Runs it. Returns a line for each failure.
    fn show(&self) -> anyhow::Result<Vec<String>> {
        match self {
            Self::NearCache(args) => near_cache::run(args),
            Self::Scan(args) => scan::run(args),
        }
    }
}

fn main() -> ExitCode {
    let parts = Args::parse().part.map_or_else(Part::all, |part| vec![part]);
    let mut held = true;
    for part in parts {
        for failure in part.show().unwrap_or_else(|error| vec![format!("{error:#}")]) {
            held = false;
            say(&format!("FAILED  {failure}"));
        }
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
