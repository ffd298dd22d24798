//! Where the configuration comes from.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, Faults};

/// Where the configuration comes from: defaults, then the file, then `MILLPOND_*`
/// in the environment, then `--set`; the later wins.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one key over file and environment, as in kafka.brokers=localhost:9092
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

impl ConfigArgs {
    /// Reads it, checked.
    pub(super) fn load(&self) -> Result<Config, Faults> {
        Config::load(self.config.as_deref(), utf8_environment(), &self.settings)
    }
}

/// Without what is not UTF-8: no setting of millpond is.
fn utf8_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
