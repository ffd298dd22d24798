//! The arguments of the comparison.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use millpond_benches::bare::Bare;

use crate::in_process::InProcess;
use crate::peers::Peer;

/// The store that the targets apply to.
pub(crate) const COMPACT: &str = "compact";

#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Groups to measure
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = Group::value_variants().to_vec())]
    pub(crate) only: Vec<Group>,
    /// millpond's stores to measure
    #[arg(long, value_delimiter = ',', default_value = "moka,compact")]
    pub(crate) stores: Vec<String>,
    /// Peers to measure ingest of; by default all, and none in a short run, because the first build
    /// of them takes longer than the run
    #[arg(long, value_delimiter = ',', value_enum)]
    peers: Option<Vec<Peer>>,
    /// Measure little, and only once, to check that it runs
    #[arg(long)]
    pub(crate) short: bool,
    /// How often each measurement is repeated
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    repeats: u64,
    /// Where to write the page; by default docs/BENCHMARKS.md, or target/BENCHMARKS.md if only a
    /// part is measured
    #[arg(long)]
    output: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
    /// Passed by cargo, without effect
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    Ingest,
    Pluck,
    Table,
    Lookups,
    Methods,
    Memory,
    Growth,
}

/// A part of the comparison that runs as a separate process.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// Poll and drop
    #[command(hide = true)]
    Bare(Bare),
    /// Answer empty calls
    #[command(hide = true)]
    EmptyServer,
    /// Fill a table and look up its keys, without a stream and without calls
    #[command(hide = true)]
    InProcess(InProcess),
}

impl Args {
    /// The size as given, or a smaller one for a short run.
    pub(crate) fn sized<T>(&self, whole: T, short: T) -> T {
        if self.short { short } else { whole }
    }

    pub(crate) fn peers(&self) -> Vec<Peer> {
        let default = || self.sized(Peer::value_variants(), &[]).to_vec();
        self.peers.clone().unwrap_or_else(default)
    }

    pub(crate) fn repeats(&self) -> u64 {
        self.sized(self.repeats, 1)
    }

    /// The duration of a load.
    pub(crate) fn window(&self) -> Duration {
        self.sized(Duration::from_secs(3), Duration::from_millis(100))
    }

    /// The command line that was run.
    pub(crate) fn command() -> String {
        let mut command = "cargo bench -p millpond-benches --bench compare".to_owned();
        let own = std::env::args().skip(1).filter(|word| word != "--bench").collect::<Vec<_>>();
        if !own.is_empty() {
            command = format!("{command} -- {}", own.join(" "));
        }
        command
    }

    pub(crate) fn output(&self) -> PathBuf {
        let is_whole = !self.short && self.only.len() == Group::value_variants().len();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let default = if is_whole { "docs/BENCHMARKS.md" } else { "target/BENCHMARKS.md" };
        self.output.clone().unwrap_or_else(|| root.join(default))
    }
}
