//! The service of the soak, alone in its container.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use millpond_acceptance::cargo;
use millpond_acceptance::container::Container;
use millpond_acceptance::served::Served;

use crate::args::Args;

pub(crate) struct Service {
    millpond: PathBuf,
    pub(crate) served: Served,
    /// The last field, so that it is dropped after the process in it.
    pub(crate) container: Container,
}

impl Service {
    /// Starts the service, and returns when it listens.
    pub(crate) fn start(
        broker: &str,
        topic: &str,
        args: &Args,
        container: Container,
    ) -> anyhow::Result<Self> {
        let millpond = cargo::millpond()?;
        let program = container.command_line(&millpond);
        let log = cargo::log_file(&format!("{topic}.log"))?;
        let served = Served::start(program, &settings(broker, topic, args), log);
        let served = served.with_context(|| usage(&container))?;
        Ok(Self { millpond, served, container })
    }

    /// The memory section of `millpond stats`.
    pub(crate) fn memory_json(&self) -> anyhow::Result<String> {
        let endpoint = format!("http://{}", self.served.rpc());
        let output = Command::new(&self.millpond)
            .args(["stats", "--output", "json", "--endpoint", &endpoint])
            .output()?;
        let why = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "millpond stats: {}: {why}", output.status);
        let stats: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok(serde_json::to_string_pretty(stats.get("memory").context("no memory in the stats")?)?)
    }
}

fn usage(container: &Container) -> String {
    let told = |count: anyhow::Result<u64>| count.map_or("?".into(), |count| count.to_string());
    let (kills, peak) = (told(container.oom_kills()), told(container.peak_bytes()));
    format!("in its container {kills} processes were killed, and {peak} B were in use at most")
}

fn settings(broker: &str, topic: &str, args: &Args) -> Vec<String> {
    let mut settings = vec![
        format!("kafka.brokers={broker}"),
        "memory.limit=auto".into(),
        "ingest.start=earliest".into(),
        format!("tables.0.topic={topic}"),
        "tables.0.name=services".into(),
        "tables.0.key=/id".into(),
        "tables.0.fields.description=/description".into(),
        "tables.0.ttl=24h".into(),
        format!("tables.0.capacity={}", args.capacity),
        "rpc.listen=127.0.0.1:0".into(),
        "admin.listen=127.0.0.1:0".into(),
    ];
    settings.extend_from_slice(&args.settings);
    settings
}
