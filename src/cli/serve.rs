//! `millpond serve`: runs the service until it is asked to stop.

mod last_line;

use super::config_args::ConfigArgs;
use super::failure::{Exit, Failure};
use super::runtime::block_on;
use crate::app::App;
use crate::config::Config;
use crate::shutdown::StopSignal;
use crate::{shutdown, telemetry};
use last_line::{End, log_end, log_no_start};

pub(super) fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let config = args.load()?;
    let log = telemetry::start(&config.log).map_err(bad_filter)?;
    block_on(async {
        tokio::spawn(log.line_limits.clone().report());
        let (requested, requested_again) = shutdown::requested()?;
        let app = build(&config)?.with_log_filter(log.filter);
        let take_snapshot = app.snapshot_handle();
        let mut asked_by = None;
        let ended = tokio::select! {
            ended = app.run(async { asked_by = Some(requested.await) }) => ended.map(|()| None),
            signal = requested_again => Ok(Some(signal)),
        };
        log.line_limits.log_left_out();
        log_end(&End::of(&ended, asked_by), &take_snapshot());
        outcome(ended)
    })
}

fn build(config: &Config) -> Result<App, Failure> {
    let app = App::build(config).inspect_err(log_no_start)?;
    let (rpc, admin) = (app.rpc_addr()?, app.admin_addr()?);
    tracing::info!(%rpc, %admin, "listening");
    Ok(app)
}

fn outcome(ended: anyhow::Result<Option<StopSignal>>) -> Result<(), Failure> {
    match ended? {
        None => Ok(()),
        Some(signal) => Err(signal.into()),
    }
}

pub(super) fn bad_filter(error: impl std::fmt::Display) -> Failure {
    let cure = "write a level such as \"info\" or directives such as \"warn,millpond=debug\"";
    Failure::new(Exit::Config, format!("log.filter: {error}; {cure}"))
}
