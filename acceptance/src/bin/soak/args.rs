//! The arguments of a soak.

use std::time::Duration;

use clap::Parser;
use millpond_acceptance::size::parse_size;

#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// Memory limit of the container that millpond runs in
    #[arg(long = "limit", value_name = "SIZE", default_value = "256MiB", value_parser = parse_size)]
    pub(crate) limit_bytes: u64,
    /// Payloads that lie in the topic when millpond starts
    #[arg(long = "backlog", value_name = "SIZE", default_value = "3GB", value_parser = parse_size)]
    pub(crate) backlog_bytes: u64,
    /// How long to ask and watch, from the start of millpond
    #[arg(long = "for", default_value = "5m", value_parser = humantime::parse_duration)]
    pub(crate) run_for: Duration,
    /// The table's capacity
    #[arg(long, default_value = "100%")]
    pub(crate) capacity: String,
    /// Another setting of millpond's; it goes over those of the soak
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
    /// Calls a second of each of the four clients, at most
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// Records a second that come meanwhile
    #[arg(long, default_value_t = 2_000)]
    pub(crate) produce_rate: u32,
    /// Compression of the records: none, gzip, lz4, snappy or zstd
    #[arg(long, default_value = "none")]
    pub(crate) compression: String,
    /// The stream is a function of this
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Lower the container's limit to this while millpond runs
    #[arg(long = "lower-to", value_name = "SIZE", requires = "lower_after", value_parser = parse_size)]
    pub(crate) lower_to_bytes: Option<u64>,
    /// When to lower it, from the start of millpond
    #[arg(long, requires = "lower_to_bytes", value_parser = humantime::parse_duration)]
    pub(crate) lower_after: Option<Duration>,
    /// Where the kernel refuses a limit below what is in use, come down to it in steps
    #[arg(long, requires = "lower_to_bytes")]
    pub(crate) lower_in_steps: bool,
}
