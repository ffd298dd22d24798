//! A service with a client: what it takes to wait for it, and to stop, pause and start it.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use millpond_acceptance::served::Served;
use millpond_client::v1::{Freshness, GetRequest, GetStatsRequest, PartitionOffset};
use millpond_client::{Client, ConnectOptions};

/// For a machine that is busy with other things. The service waits no longer for a position.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Service {
    served: Mutex<Served>,
    client: Client,
    /// Where it listens for calls, also after a restart: `host:port`.
    pub(crate) address: String,
}

impl Service {
    /// A service that listens, and how to connect to it.
    pub(crate) fn new(served: Served, address: String, options: ConnectOptions) -> Result<Self> {
        Ok(Self { served: Mutex::new(served), client: options.connect_lazy()?, address })
    }

    /// One in plaintext.
    pub(crate) fn plain(served: Served) -> Result<Self> {
        let address = served.rpc().to_owned();
        let options = ConnectOptions::new(format!("http://{address}"), PATIENCE);
        Self::new(served, address, options)
    }

    /// Waits until all tables have caught up once.
    pub(crate) async fn wait_until_ready(&self) -> Result<()> {
        let start = Instant::now();
        loop {
            let stats = self.client.stats().get_stats(GetStatsRequest {}).await;
            if stats.as_ref().is_ok_and(|stats| stats.get_ref().ready) {
                return Ok(());
            }
            let why = stats.map_or_else(|status| status.to_string(), |_| "it is loading".into());
            ensure!(start.elapsed() < PATIENCE, "{} is not ready: {why}", self.address);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the table has handled these records.
    pub(crate) async fn wait_for(&self, table: &str, positions: &[PartitionOffset]) -> Result<()> {
        let freshness = Freshness { min_positions: positions.to_vec(), ..Freshness::default() };
        let request = GetRequest {
            table: table.into(),
            key: "any".into(),
            freshness: Some(freshness),
            ..GetRequest::default()
        };
        let answer = self.client.lookup().get(self.client.request(request)).await;
        answer.with_context(|| format!("{} has not handled the records", self.address))?;
        Ok(())
    }

    /// Stops it and starts it again on its port. This blocks until it listens.
    pub(crate) fn restart(&self) -> Result<()> {
        let mut served = self.served();
        // One that is paused would not stop.
        signal(&served, "CONT")?;
        let status = served.stop()?.context("the service had to be killed")?;
        ensure!(status.success(), "the service ended with {status}");
        served.run()
    }

    /// Lets it stand still.
    pub(crate) fn pause(&self) -> Result<()> {
        signal(&self.served(), "STOP")
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) -> Result<()> {
        signal(&self.served(), "CONT")
    }

    /// Stops it. Returns what was wrong with its end.
    pub(crate) fn stop(&self) -> Result<Option<String>> {
        stop(&mut self.served())
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops a service. Returns what was wrong with its end.
pub(crate) fn stop(served: &mut Served) -> Result<Option<String>> {
    let log = served.log().display().to_string();
    if let Some(status) = served.ended()? {
        return Ok(Some(format!("a service ended by itself, {status}: {log}")));
    }
    signal(served, "CONT")?;
    Ok(match served.stop()? {
        Some(status) if status.success() => None,
        Some(status) => Some(format!("a service stopped with {status}: {log}")),
        None => Some(format!("a service had to be killed: {log}")),
    })
}

fn signal(served: &Served, name: &str) -> Result<()> {
    let id = served.id().context("the service does not run")?;
    let status = Command::new("kill").args(["-s", name, &id.to_string()]).status()?;
    ensure!(status.success(), "the service could not be signalled: {status}");
    Ok(())
}
