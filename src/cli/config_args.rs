//! The arguments that choose the configuration, and loading it.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::{Config, Faults};

/// The sources of the configuration: defaults, then the file, then `MILLPOND_*` in the
/// environment, then `--set`. A later source wins.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The configuration file (TOML); - reads standard input
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one key over file and environment, as in kafka.brokers=localhost:9092
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

impl ConfigArgs {
    /// Loads and checks the configuration.
    pub(super) fn load(&self) -> Result<Config, Faults> {
        self.load_over(&[])
    }

    /// The same over these settings, which come before `--set`.
    pub(super) fn load_over(&self, before: &[String]) -> Result<Config, Faults> {
        let settings = [before, &self.settings].concat();
        Config::load(self.config.as_deref(), utf8_environment(), &settings)
    }

    pub(super) fn reads_standard_input(&self) -> bool {
        self.config.as_deref() == Some(Path::new("-"))
    }
}

/// The environment without variables that are not UTF-8: no setting of millpond is among them.
fn utf8_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
