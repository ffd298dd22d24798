//! What the stream's promises come to, in figures, on a real broker: a start reads what can still
//! be alive and no more, a writer reads its own writes, and lookups outlive the broker.
//!
//! `cargo run --release -p millpond-acceptance --bin stream -- restart --records 2000000 --partitions 64`
//! `cargo run --release -p millpond-acceptance --bin stream -- own-writes --writes 10000`
//! `cargo run --release -p millpond-acceptance --bin stream -- outage --for 60s`
//!
//! Without a name all three run, in small. Each ends in failure when what it shows is not so.

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
    /// A start reads what can still be alive, and no more
    Restart(restart::Args),
    /// A writer reads its own writes
    OwnWrites(own_writes::Args),
    /// A broker that is away takes no answer with it
    Outage(outage::Args),
}

impl Promise {
    /// All of them, in small.
    fn all() -> Vec<Self> {
        let each = ["restart", "own-writes", "outage"].map(|name| Args::parse_from(["", name]));
        each.into_iter().filter_map(|args| args.promise).collect()
    }

    /// A line for each way in which it is broken.
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
