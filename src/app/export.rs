//! The exporter of traces and metrics: built before the server, whose calls it traces, started when
//! there are figures to send, and stopped after the last call.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::build_error::BuildError;
use super::threads::{Count, Threads};
use crate::config::{self, Config};
use crate::heap::Account;
use crate::stats::TakeSnapshot;
use crate::telemetry::otlp::{ExportReader, Exporter};
use crate::trace::Tracer;

/// What is left has to be sent within this time when the service stops.
const LAST_TIME: Duration = Duration::from_secs(1);

/// An exporter that does not send yet.
pub(super) struct PreparedExport {
    exporter: Exporter,
    threads: Threads,
}

/// An exporter that sends.
pub(super) struct RunningExport {
    running: JoinHandle<()>,
    stop: watch::Sender<bool>,
    _threads: Threads,
}

impl PreparedExport {
    /// The exporter, if there is one in the configuration. It has a thread of its own.
    pub(super) fn new(config: &Config, account: &Account) -> Result<Option<Self>, BuildError> {
        config.otlp.as_ref().map(|otlp| Self::with(otlp, account)).transpose()
    }

    fn with(config: &config::Otlp, account: &Account) -> Result<Self, BuildError> {
        let threads = Threads::start("otlp", &Count::One, account)?;
        let handle = threads.handle();
        let _entered = handle.enter();
        let exporter = Exporter::new(config).map_err(BuildError::Otlp)?;
        Ok(Self { exporter, threads })
    }

    pub(super) fn tracer(&self) -> Tracer {
        self.exporter.tracer()
    }

    pub(super) fn reader(&self) -> ExportReader {
        self.exporter.reader()
    }

    /// Starts to send.
    pub(super) fn start(self, config: &Config, take_snapshot: TakeSnapshot) -> RunningExport {
        let Self { exporter, threads } = self;
        let tables = config.tables.iter().map(|table| table.name.clone()).collect();
        let (stop, stopping) = watch::channel(false);
        let running = threads.handle().spawn(exporter.run(tables, take_snapshot, stopping));
        RunningExport { running, stop, _threads: threads }
    }
}

impl RunningExport {
    /// Sends what is left, if the collector takes it at once.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(true);
        if timeout(LAST_TIME, self.running).await.is_err() {
            tracing::warn!("the collector of otlp.endpoint did not take the last traces in time");
        }
    }
}
