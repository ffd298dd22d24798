//! The command line: one file a verb, and what they share.
//!
//! Exit codes: 0 well, 2 usage, 69 unreachable, 70 internal, 78 bad configuration.

mod check;
mod client;
mod demo;
mod failure;
mod get;
mod output;
mod serve;
mod stats;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Faults};
use failure::Failure;

/// A bounded, expiring key-value table fed by a Kafka stream and read over gRPC.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the service
    Serve(ConfigArgs),
    /// Run the service against a Kafka of its own, fed with made-up events
    Demo(demo::DemoArgs),
    /// Check a configuration without a broker and print what is in effect
    Check(ConfigArgs),
    /// Look up keys in a running service
    Get(get::GetArgs),
    /// Show the statistics of a running service
    Stats(stats::StatsArgs),
}

/// Where the configuration comes from: defaults, then the file, then `MILLPOND_*`
/// in the environment, then `--set`; the later wins.
#[derive(Debug, Args)]
struct ConfigArgs {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one key over file and environment, as in kafka.brokers=localhost:9092
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

impl ConfigArgs {
    fn load(&self) -> Result<Config, Faults> {
        Config::load(self.config.as_deref(), utf8_environment(), &self.settings)
    }
}

/// What is not UTF-8 in the environment is none of ours.
fn utf8_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::Serve(args) => serve::run(&args),
        Verb::Demo(args) => demo::run(args),
        Verb::Check(args) => check::run(&args),
        Verb::Get(args) => get::run(args),
        Verb::Stats(args) => stats::run(&args),
    };
    outcome.map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS)
}

/// Runs a verb's future to its end, and does not wait for what it left behind: a
/// drain that missed its deadline must not hold the process up.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
