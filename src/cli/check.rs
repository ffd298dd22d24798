//! `millpond check`: checks a configuration without a broker.

use std::io::{self, Write};

use super::config_args::ConfigArgs;
use super::failure::Failure;
use super::serve::bad_filter;
use crate::{app, telemetry};

/// Prints the effective configuration in a form that can be loaded again. The memory budget and
/// the digest are comments in it.
pub(super) fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let config = args.load()?;
    telemetry::check(&config.log).map_err(bad_filter)?;
    let budget = app::check(&config)?;
    let mut out = io::stdout().lock();
    writeln!(out, "# The configuration is good. In effect, secrets hidden:\n")?;
    writeln!(out, "{}", config.effective().trim_end())?;
    writeln!(out, "\n# Memory:\n#")?;
    for line in budget.to_string().lines() {
        writeln!(out, "# {line}")?;
    }
    writeln!(out, "#\n# Digest: {}", config.digest())?;
    Ok(())
}
