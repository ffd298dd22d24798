//! The command line: a file for each verb, and the code that verbs share.
//!
//! Exit codes: 0 success, 2 usage, 69 unreachable, 70 internal, 75 try again, 78 bad configuration.

mod check;
mod client;
mod colour;
mod completions;
mod config_args;
mod demo;
mod describe;
mod entry_text;
mod failure;
mod freshness;
mod get;
mod largest;
mod man;
mod output;
mod progress;
mod reclaim;
mod rejections;
mod runtime;
mod sample_text;
mod scan;
mod serve;
mod shown;
mod stats;
mod top;
mod trial;
mod watch;
mod watching;

use std::process::ExitCode;

use clap::{Command, CommandFactory as _, Parser, Subcommand};

use config_args::ConfigArgs;

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
    /// Run the service with a Kafka of its own, fed with made-up events
    Demo(demo::DemoArgs),
    /// The Kafka of a demo
    #[command(name = demo::KAFKA_VERB, hide = true)]
    DemoKafka(demo::KafkaArgs),
    /// Check a configuration and print the effective one; with --connect, try it against its brokers
    Check(check::CheckArgs),
    /// Show what would become of records, without a service, and what a load would take
    Try(trial::TryArgs),
    /// Look up keys in a running service
    Get(get::GetArgs),
    /// Print the entries of a table of a running service, one in each line
    Scan(scan::ScanArgs),
    /// Print the changes of a table of a running service as they are made
    Watch(watch::WatchArgs),
    /// Show the statistics of a running service; with --watch, again and again
    Stats(stats::StatsArgs),
    /// Watch a running service on the whole terminal: memory, tables, partitions, callers
    Top(top::TopArgs),
    /// Have a running service free unused memory, and report the effect
    Reclaim(reclaim::ReclaimArgs),
    /// Show the memory, the origin and the age of an entry of a running service
    Describe(describe::DescribeArgs),
    /// List the entries that weigh the most in a running service
    Largest(largest::LargestArgs),
    /// List the records that a running service rejected last, and why
    Rejections(rejections::RejectionsArgs),
    /// Print what a shell needs to complete this command
    Completions(completions::CompletionsArgs),
    /// Write the manual pages of this command
    Man(man::ManArgs),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::Serve(args) => serve::run(&args),
        Verb::Demo(args) => demo::run(args),
        Verb::DemoKafka(args) => demo::run_kafka(&args),
        Verb::Check(args) => check::run(&args),
        Verb::Try(args) => trial::run(&args),
        Verb::Get(args) => get::run(args),
        Verb::Scan(args) => scan::run(args),
        Verb::Watch(args) => watch::run(args),
        Verb::Stats(args) => stats::run(&args),
        Verb::Top(args) => top::run(args),
        Verb::Reclaim(args) => reclaim::run(&args),
        Verb::Describe(args) => describe::run(args),
        Verb::Largest(args) => largest::run(args),
        Verb::Rejections(args) => rejections::run(args),
        Verb::Completions(args) => completions::run(&args, shown_command()),
        Verb::Man(args) => man::run(&args, shown_command()),
    };
    outcome.map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS)
}

/// The command line without the verbs that only millpond itself uses.
fn shown_command() -> Command {
    let all = Cli::command();
    let shown: Vec<_> = all.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    let about = all.get_about().cloned().unwrap_or_default();
    Command::new("millpond").version(env!("CARGO_PKG_VERSION")).about(about).subcommands(shown)
}
