//! The services that one package is tried with.
//!
//! Owns them all, and what may be done to them. Knows nothing of how a test asks for it.

use std::cmp::Reverse;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Mutex as SyncMutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use millpond_acceptance::broker::Broker;
use millpond_acceptance::cargo;
use millpond_acceptance::served::Served;
use millpond_client::ConnectOptions;
use millpond_client::v1::PartitionOffset;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::document;
use crate::service::{self, PATIENCE, Service};
use crate::settings::{CONTROLLED, LIVE, README, Table, settings};
use crate::stream::Stream;
use crate::tls_files::{HOST, TlsFiles};

/// Nobody listens there.
const NO_BROKER: &str = "127.0.0.1:1";
const ANY_PORT: &str = "127.0.0.1:0";
const LOOK: Duration = Duration::from_millis(50);
/// The entry that the ten lines of a README look up.
const README_KEY: &str = "svc-00042";
const README_DOCUMENT: &str = r#"{"name": "billing", "size": 42, "data": {"tier": "gold"}}"#;
/// What the ten lines print of it.
pub(crate) const README_VALUE: &str = "billing";
/// So many records are on their way at once. Together they are far from what the in-process broker
/// keeps of a partition, so none is lost before it was read.
const TOGETHER: usize = 1_000;
const TOGETHER_BYTES: usize = 1 << 20;

pub(crate) struct Services {
    /// The one under control.
    pub(crate) plain: Service,
    /// The one with TLS and tokens.
    pub(crate) secure: Service,
    /// The one of the README's ten lines.
    pub(crate) readme: Service,
    /// Of the one that never gets ready.
    pub(crate) loading_address: String,
    loading: SyncMutex<Served>,
    /// Locked while they are rotated.
    files: Mutex<TlsFiles>,
    /// The folder of those for callers.
    pub(crate) client_files: PathBuf,
    stream: Stream,
    _folder: TempDir,
}

impl Services {
    /// Starts them, and waits until those that get ready are. Their logs are in `target/tmp/clients`,
    /// and their names begin with `name`.
    pub(crate) async fn start(broker: &Broker, name: &str) -> Result<Self> {
        let (folder, brokers) = (tempfile::tempdir()?, broker.bootstrap());
        let stream = Stream::new(broker).await?;
        let log = |service: &str| format!("clients/{name}-{service}.log");
        fs::create_dir_all(cargo::log_file("clients")?)?;
        let start = |brokers: &str, rpc: &str, tables: &[Table], service: &str| {
            Served::start_release(&settings(brokers, rpc, tables), &log(service))
        };
        // A restart must find its port again, so it is chosen here.
        let port = TcpListener::bind(ANY_PORT)?.local_addr()?.to_string();
        let loading = start(NO_BROKER, ANY_PORT, &[LIVE], "loading")?;
        let files = TlsFiles::new(folder.path())?;
        let services = Self {
            plain: Service::plain(start(&brokers, &port, &CONTROLLED, "plain")?)?,
            secure: secure(&brokers, &files, folder.path(), &log("tls"))?,
            readme: Service::plain(start(&brokers, ANY_PORT, &[README], "readme")?)?,
            loading_address: loading.rpc().to_owned(),
            loading: SyncMutex::new(loading),
            client_files: files.of_callers(),
            files: Mutex::new(files),
            stream,
            _folder: folder,
        };
        for service in [&services.plain, &services.secure, &services.readme] {
            service.wait_until_ready().await?;
        }
        services.put(README.name, README_KEY, Some(README_DOCUMENT)).await?;
        Ok(services)
    }

    /// Produces a record: a document, or a tombstone if there is none. Returns when the broker has
    /// acknowledged it.
    pub(crate) async fn produce(
        &self,
        table: &str,
        key: &str,
        document: Option<&str>,
    ) -> Result<PartitionOffset> {
        let document = document.map(|document| document::with_key(document, key)).transpose()?;
        self.stream.produce(table, key, document.as_deref()).await
    }

    /// The same, and returns when each service that has the table has handled the record.
    pub(crate) async fn put(
        &self,
        table: &str,
        key: &str,
        document: Option<&str>,
    ) -> Result<PartitionOffset> {
        let position = self.produce(table, key, document).await?;
        self.wait_for(table, &[position]).await?;
        Ok(position)
    }

    /// Puts a document under `count` keys: `PREFIX-00000` and so on.
    pub(crate) async fn fill(
        &self,
        table: &str,
        prefix: &str,
        count: usize,
        document: &str,
    ) -> Result<()> {
        let together = TOGETHER.min(TOGETHER_BYTES / document.len().max(1)).max(1);
        for first in (0..count).step_by(together) {
            let keys = first..count.min(first + together);
            let records = keys.map(async |number| {
                self.produce(table, &format!("{prefix}-{number:05}"), Some(document)).await
            });
            let positions = try_join_all(records).await?;
            self.wait_for(table, &last_of_each_partition(positions)).await?;
        }
        Ok(())
    }

    async fn wait_for(&self, table: &str, positions: &[PartitionOffset]) -> Result<()> {
        if table == README.name {
            return self.readme.wait_for(table, positions).await;
        }
        self.plain.wait_for(table, positions).await?;
        if table == LIVE.name {
            self.secure.wait_for(table, positions).await?;
        }
        Ok(())
    }

    /// Replaces certificate and key of the service with TLS, and those of its callers, by others of a
    /// new authority. Returns when new connections get them.
    pub(crate) async fn rotate(&self) -> Result<()> {
        let mut files = self.files.lock().await;
        files.rotate_service()?;
        let authority = files.newest_authority()?;
        let start = Instant::now();
        let endpoint = format!("https://{}", self.secure.address);
        // A connection is made only if the service's certificate is of this authority.
        while let Err(error) =
            ConnectOptions::new(&endpoint, PATIENCE).ca(&authority).connect().await
        {
            ensure!(start.elapsed() < PATIENCE, "the new certificate is not in use: {error}");
            tokio::time::sleep(LOOK).await;
        }
        files.rotate_callers()
    }

    /// Stops all. Returns what was wrong with their ends.
    pub(crate) fn stop(&self) -> Result<Vec<String>> {
        let mut loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = [
            self.plain.stop()?,
            self.secure.stop()?,
            self.readme.stop()?,
            service::stop(&mut loading)?,
        ];
        Ok(ends.into_iter().flatten().collect())
    }
}

/// Starts the service with TLS and tokens.
fn secure(brokers: &str, files: &TlsFiles, folder: &Path, log: &str) -> Result<Service> {
    let configuration = folder.join("millpond.toml");
    fs::write(&configuration, files.configuration())?;
    let settings = settings(brokers, ANY_PORT, &[LIVE]);
    let served = Served::start_configured(&configuration, &settings, log)?;
    let port = served.rpc().parse::<SocketAddr>()?.port();
    // Its certificate has a name and no address.
    let address = format!("{HOST}:{port}");
    let callers = files.of_callers();
    let options = ConnectOptions::new(format!("https://{address}"), PATIENCE)
        .ca(callers.join("ca.crt"))
        .token_file(callers.join("all.token"));
    Service::new(served, address, options)
}

fn last_of_each_partition(mut positions: Vec<PartitionOffset>) -> Vec<PartitionOffset> {
    positions.sort_by_key(|position| (position.partition, Reverse(position.offset)));
    positions.dedup_by_key(|position| position.partition);
    positions
}
