//! A service that is configured by a recipe: its stream of two tables, and the folder in which the
//! files of the recipe lie.
//!
//! Owns the broker, the folder and the configuration file. Knows nothing of certificates and tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use millpond_acceptance::broker::{Broker, Message};
use millpond_acceptance::served::Served;
use serde_json::Value;
use tempfile::TempDir;

/// The table that the recipes name.
pub(crate) const TABLE: &str = "services";
/// A table that no recipe names.
pub(crate) const OTHER_TABLE: &str = "prices";

const RECORDS: u64 = 1_000;
/// What the log says of a table that has caught up.
const READY: &str = "the table is ready";
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
/// The folders that the recipes mount.
const MOUNTS: [&str; 3] = ["tls", "tokens", "kubernetes"];

pub(crate) struct Scene {
    folder: TempDir,
    broker: Broker,
    topic: String,
}

impl Scene {
    /// A stream that both tables read.
    pub(crate) async fn new() -> Result<Self> {
        let broker = Broker::in_process();
        let topic = broker.create_topic(1).await;
        topic.produce(&(0..RECORDS).map(message).collect::<Vec<_>>());
        let topic = topic.name.clone();
        Ok(Self { folder: tempfile::tempdir()?, broker, topic })
    }

    /// Where the files of `mount` lie, such as `tls` for what a recipe calls `/tls`.
    pub(crate) fn mount(&self, mount: &str) -> PathBuf {
        self.folder.path().join(mount)
    }

    /// A file for a caller.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.folder.path().join(name);
        fs::write(&file, text)?;
        Ok(file)
    }

    /// Starts the service with this recipe, whose folders are ours, and waits until both tables are
    /// ready. `settings` override the recipe.
    pub(crate) fn serve(&self, recipe: &str, settings: &[String], log: &str) -> Result<Served> {
        let file = self.write("millpond.toml", &self.with_our_folders(recipe))?;
        let served = Served::start_configured(&file, &self.settings(settings), log)?;
        wait_until_ready(&served)?;
        Ok(served)
    }

    /// The recipe with the paths of our files.
    pub(crate) fn with_our_folders(&self, recipe: &str) -> String {
        MOUNTS.iter().fold(recipe.to_owned(), |text, mount| {
            let ours = self.mount(mount).display().to_string();
            text.replace(&format!("\"/{mount}/"), &format!("\"{ours}/"))
        })
    }

    /// The settings that no recipe has.
    pub(crate) fn settings(&self, more: &[String]) -> Vec<String> {
        let mut settings = vec![
            format!("kafka.brokers={}", self.broker.bootstrap()),
            "memory.limit=512MiB".into(),
            "ingest.threads=1".into(),
            "ingest.start=earliest".into(),
            "rpc.listen=127.0.0.1:0".into(),
            "admin.listen=127.0.0.1:0".into(),
        ];
        for (index, name) in [TABLE, OTHER_TABLE].iter().enumerate() {
            settings.extend(table(index, name, &self.topic));
        }
        settings.extend_from_slice(more);
        settings
    }
}

/// Goes by the log, which needs no identity.
fn wait_until_ready(served: &Served) -> Result<()> {
    let start = Instant::now();
    let is_ready = |line: &Value| line.get("message").is_some_and(|text| text == READY);
    while served.log_lines()?.iter().filter(|line| is_ready(line)).count() < 2 {
        ensure!(start.elapsed() < PATIENCE, "not ready: see {}", served.log().display());
        std::thread::park_timeout(LOOK);
    }
    Ok(())
}

/// The settings of a table with this number.
pub(crate) fn table(index: usize, name: &str, topic: &str) -> Vec<String> {
    [
        ("name", name),
        ("topic", topic),
        ("key", "/id"),
        ("fields.description", "/description"),
        ("ttl", "24h"),
        ("capacity", "32MiB"),
    ]
    .map(|(key, value)| format!("tables.{index}.{key}={value}"))
    .into()
}

/// The key of a record.
pub(crate) fn key(number: u64) -> String {
    format!("key-{:06}", number % RECORDS)
}

fn message(number: u64) -> Message {
    let key = key(number);
    let payload = format!(r#"{{"id":"{key}","description":"record {number}"}}"#);
    let (key, payload) = (Some(key.into_bytes()), Some(payload.into_bytes()));
    Message { key, payload, ..Message::default() }
}

/// The path of a file as text, for a program's environment.
pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}
