//! Shows three promises about the stream, with figures, on a real broker: a start reads only what
//! can still be alive, a writer reads its own writes, and lookups survive an outage of the broker.
//!
//! `cargo run --release -p millpond-acceptance --bin stream -- restart --records 2000000 --partitions 64`
//! `cargo run --release -p millpond-acceptance --bin stream -- own-writes --writes 10000`
//! `cargo run --release -p millpond-acceptance --bin stream -- outage --for 60s`
//!
//! Without a name, short forms of all three run. Each fails if its promise is broken.

mod asking;
mod host;
mod latencies;
mod numbered;
mod outage;
mod own_writes;
mod restart;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use millpond_acceptance::report::say;

#[derive(Debug, Clone, Parser)]
#[command(disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    promise: Option<Promise>,
}

#[derive(Debug, Clone, Subcommand)]
enum Promise {
    /// A start reads only what can still be alive
    Restart(restart::Args),
    /// A writer reads its own writes
    OwnWrites(own_writes::Args),
    /// Lookups survive an outage of the broker
    Outage(outage::Args),
}

impl Promise {
    /// Short forms of all runs.
    fn all() -> Vec<Self> {
        let each = ["restart", "own-writes", "outage"].map(|name| Args::parse_from(["", name]));
        each.into_iter().filter_map(|args| args.promise).collect()
    }

    /// Runs it. Returns a line for each failure.
    fn show(&self) -> anyhow::Result<Vec<String>> {
        match self {
            Self::Restart(args) => restart::run(args),
            Self::OwnWrites(args) => own_writes::run(args),
            Self::Outage(args) => outage::run(args),
        }
    }
}

fn main() -> ExitCode {
    let promises = Args::parse().promise.map_or_else(Promise::all, |promise| vec![promise]);
    let mut held = true;
    for promise in promises {
        for failure in promise.show().unwrap_or_else(|error| vec![format!("{error:#}")]) {
            held = false;
            say(&format!("FAILED  {failure}"));
        }
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
