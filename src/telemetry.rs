//! The log of the process, on standard error: set up once, from `[log]` in the configuration.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::{Log, LogFormat};

/// Starts logging for the whole process. A second call changes nothing.
///
/// # Errors
///
/// When the filter does not parse.
pub fn start(log: &Log) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // Otherwise writing to a closed standard error panics.
        .log_internal_errors(false);
    // An error means that the surrounding program has set up a log. That one is kept.
    let _ = match log.format {
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
        LogFormat::Text => subscriber.try_init(),
    };
    Ok(())
}

/// Checks that the filter parses.
///
/// # Errors
///
/// When it does not parse; the error says where.
pub fn check(log: &Log) -> Result<(), ParseError> {
    EnvFilter::try_new(&log.filter).map(drop)
}
