//! The command line: one file a verb, and what they share.
//!
//! Exit codes: 0 well, 2 usage, 69 unreachable, 70 internal, 78 bad configuration.

mod check;
mod client;
mod demo;
mod describe;
mod failure;
mod get;
mod largest;
mod output;
mod reclaim;
mod rejections;
mod serve;
mod stats;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Faults};
use crate::heap::Account;
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
    /// Have a running service let go of the memory it can, and say what that shows
    Reclaim(reclaim::ReclaimArgs),
    /// Show what an entry of a running service costs
    Describe(describe::DescribeArgs),
    /// List the entries that weigh the most in a running service
    Largest(largest::LargestArgs),
    /// List the records that a running service rejected last, and why
    Rejections(rejections::RejectionsArgs),
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
        Verb::Reclaim(args) => reclaim::run(&args),
        Verb::Describe(args) => describe::run(args),
        Verb::Largest(args) => largest::run(args),
        Verb::Rejections(args) => rejections::run(args),
    };
    outcome.map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS)
}

/// Runs a verb's future to its end, and does not wait for what it left behind: a
/// drain that missed its deadline must not hold the process up.
///
/// Its threads have an account of their own: what is unbound counts as the Kafka client's.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let account = Account::open()?;
    account.adopt_thread();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_start(move || account.adopt_thread())
        .build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
