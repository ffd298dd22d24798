//! The arguments of the program.

use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};
use millpond_acceptance::size::parse_size;

/// Shows that a millpond withstands hostile peers.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) part: Option<Part>,
    #[command(flatten)]
    pub(crate) peers: PeersArgs,
}

/// What else is shown.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Compare the memory at the limits with what `millpond check` computes
    WorstCase(WorstCaseArgs),
    /// Stop a service with silent and slow peers on the line, again and again
    Stop(StopArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PeersArgs {
    /// How long each peer attacks
    #[arg(long = "for", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) each: Duration,
    /// How long all attack together in the end; 0s leaves that out
    #[arg(long, default_value = "120s", value_parser = humantime::parse_duration)]
    pub(crate) together: Duration,
    /// A peer to try alone; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// List the peers and end
    #[arg(long)]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WorstCaseArgs {
    /// How long everything stays at its limit
    #[arg(long = "for", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) hold: Duration,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StopArgs {
    /// How often a service is started and stopped
    #[arg(long, default_value_t = 50)]
    pub(crate) times: u32,
    /// A peer to have on the line alone; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Another setting of millpond
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct ServiceArgs {
    /// Memory limit of the container that millpond runs in
    #[arg(long = "limit", value_name = "SIZE", default_value = "128MiB", value_parser = parse_size)]
    pub(crate) limit_bytes: u64,
    /// The table's capacity
    #[arg(long, default_value = "100%")]
    pub(crate) capacity: String,
    /// Records a second that come meanwhile
    #[arg(long, default_value_t = 500)]
    pub(crate) produce_rate: u32,
    /// Another setting of millpond; it goes over those of this program
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}
