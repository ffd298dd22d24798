//! `millpond check`: checks a configuration, without a broker or with `--connect` against one.

mod connection;

use std::io::{self, Write};

use clap::Args;

use super::config_args::ConfigArgs;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::progress::Progress;
use super::serve::bad_filter;
use crate::app::{self, Checked};
use crate::config::Config;
use crate::telemetry;

/// Which configuration, and how much of it is tried.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Try the brokers, the topics and the permissions too, and show what would become of the last
    /// records of each topic. Nothing is changed
    #[arg(long)]
    connect: bool,
    /// How many of the last records of each topic to show
    #[arg(long, value_name = "COUNT", default_value_t = 10, requires = "connect")]
    records: usize,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "text", requires = "connect")]
    output: Output,
}

/// Without `--connect`, prints the effective configuration in a form that can be loaded again. The
/// memory budget and the digest are comments in it.
pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    telemetry::check(&config.log).map_err(bad_filter)?;
    let checked = app::check(&config)?;
    if args.connect { connect(args, &config, &checked) } else { print(&config, &checked) }
}

fn print(config: &Config, checked: &Checked) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "# The configuration is good. In effect, secrets hidden:\n")?;
    writeln!(out, "{}", config.effective().trim_end())?;
    if checked.config.auto_settings().next().is_some() {
        writeln!(out, "\n# What is \"auto\", under this memory limit:\n#")?;
    }
    for (name, value) in checked.config.auto_settings() {
        writeln!(out, "# - {name} = {value}")?;
    }
    if !checked.warnings.is_empty() {
        writeln!(out, "\n# librdkafka warns of kafka.properties:\n#")?;
    }
    for warning in &checked.warnings {
        writeln!(out, "# - {warning}")?;
    }
    if checked.exposure.lines().next().is_some() {
        writeln!(out, "\n# Who may call:\n#")?;
    }
    for line in checked.exposure.lines() {
        writeln!(out, "# - {line}")?;
    }
    writeln!(out, "\n# Memory:\n#")?;
    for line in checked.budget.to_string().lines() {
        writeln!(out, "# {line}")?;
    }
    writeln!(out, "#\n# Digest: {}", config.digest())?;
    Ok(())
}

fn connect(args: &CheckArgs, config: &Config, checked: &Checked) -> Result<(), Failure> {
    for warning in &checked.warnings {
        writeln!(io::stderr(), "millpond: librdkafka warns of kafka.properties: {warning}")?;
    }
    let waiting = Progress::start("trying the brokers and the topics", None);
    let report = app::check_connection(config, &checked.budget, args.records)?;
    drop(waiting);
    let report = report.map_err(|why| Failure::new(Exit::Unreachable, why))?;
    let text = match args.output {
        Output::Json => serde_json::to_string_pretty(&report).map_err(anyhow::Error::from)?,
        Output::Text => connection::report_text(&report),
    };
    writeln!(io::stdout(), "{}", text.trim_end())?;
    match connection::fault_count(&report) {
        0 => Ok(()),
        faults => Err(Failure::new(
            Exit::Config,
            format!("topics that cannot be used: {faults}, see above"),
        )),
    }
}
