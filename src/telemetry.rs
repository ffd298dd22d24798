//! What the process tells of itself: its log, its metrics, and traces of calls.
//!
//! The log goes to standard error. It is set up once, from `[log]` in the configuration.

mod line_limits;
mod log_filter;
pub mod metrics;
pub mod otlp;

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{EnvFilter, FilterExt as _, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry, reload};

use crate::config::{Log, LogFormat};
pub use line_limits::LineLimits;
pub use log_filter::LogFilter;

/// The log of the process, started.
#[derive(Debug)]
pub struct Started {
    /// Somebody has to run [`LineLimits::report`], so that what was left out is told.
    pub line_limits: LineLimits,
    /// Changes what is logged.
    pub filter: LogFilter,
}

/// Starts logging for the whole process. A second call changes nothing.
///
/// # Errors
///
/// When the filter does not parse.
pub fn start(log: &Log) -> Result<Started, ParseError> {
    let line_limits = LineLimits::default();
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(&log.filter)?);
    let filter = filter.and(line_limits.clone());
    let layer = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // Otherwise writing to a closed standard error panics.
        .log_internal_errors(false);
    let layer = match log.format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Text => layer.boxed(),
    };
    // An error means that the surrounding program has set up a log. That one is kept.
    let _ = registry().with(layer.with_filter(filter)).try_init();
    Ok(Started { line_limits, filter: LogFilter::new(handle, &log.filter) })
}

/// Checks that the filter parses.
///
/// # Errors
///
/// When it does not parse; the error says where.
pub fn check(log: &Log) -> Result<(), ParseError> {
    EnvFilter::try_new(&log.filter).map(drop)
}
