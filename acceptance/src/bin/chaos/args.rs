//! The arguments of a chaos run.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{ArgAction, Parser};

#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// One seed, or the first and the last of several: everything drawn is a function of the seed
    #[arg(long, default_value = "1..3")]
    pub(crate) seeds: Seeds,
    /// How long writers write and things break, for each seed
    #[arg(long = "for", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) run_for: Duration,
    /// Whether partitions are added to the topic meanwhile
    #[arg(long, default_value_t = true, default_missing_value = "true", num_args = 0..=1)]
    #[arg(action = ArgAction::Set, require_equals = true)]
    pub(crate) add_partitions: bool,
}

impl Args {
    /// The command that repeats one seed with these arguments.
    pub(crate) fn again(&self, seed: u64) -> String {
        let run_for = humantime::format_duration(self.run_for).to_string().replace(' ', "");
        let added = if self.add_partitions { "" } else { " --add-partitions=false" };
        format!(
            "cargo run --release -p millpond-acceptance --bin chaos -- --seeds {seed} --for {run_for}{added}"
        )
    }
}

/// Parses `5`, or `1..20` with both ends included.
#[derive(Debug, Clone)]
pub(crate) struct Seeds(RangeInclusive<u64>);

impl Seeds {
    pub(crate) fn iter(&self) -> RangeInclusive<u64> {
        self.0.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.iter().count()
    }
}

impl FromStr for Seeds {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| text.parse().with_context(|| format!("{text:?} is not a seed"));
        let (first, last) = (number(first)?, number(last.trim_start_matches('='))?);
        ensure!(first <= last, "there is no seed in {text}");
        Ok(Self(first..=last))
    }
}
