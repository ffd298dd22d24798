//! `millpond serve`: runs the service until it is asked to stop.

use super::config_args::ConfigArgs;
use super::failure::{Exit, Failure};
use super::runtime::block_on;
use crate::app::App;
use crate::{shutdown, telemetry};

pub(super) fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let config = args.load()?;
    let line_limits = telemetry::start(&config.log).map_err(bad_filter)?;
    block_on(async {
        tokio::spawn(line_limits.report());
        let (requested, requested_again) = shutdown::requested()?;
        let digest = config.digest();
        let app = App::build(config)?;
        let (rpc, admin) = (app.rpc_addr()?, app.admin_addr()?);
        tracing::info!(%rpc, %admin, digest, version = env!("CARGO_PKG_VERSION"), "listening");
        tokio::select! {
            ended = app.run(requested) => Ok(ended?),
            signal = requested_again => Err(signal.into()),
        }
    })
}

pub(super) fn bad_filter(error: impl std::fmt::Display) -> Failure {
    let cure = "write a level such as \"info\" or directives such as \"warn,millpond=debug\"";
    Failure::new(Exit::Config, format!("log.filter: {error}; {cure}"))
}
