//! `millpond serve` as it is shipped, as a process that ends with the benchmark.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::process_end::Ends;

const MILLPOND: &str = env!("CARGO_BIN_EXE_millpond");

/// What it is started with.
#[derive(Debug, Clone)]
pub(crate) struct Setup<'a> {
    pub(crate) broker: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) store: &'a str,
    /// All fed by the one topic: `table-0` and on.
    pub(crate) tables: usize,
    /// Of each table.
    pub(crate) capacity_bytes: u64,
    pub(crate) threads: usize,
    /// The one core that it may run on, if not all.
    pub(crate) core: Option<usize>,
}

/// A process that listens. It has ended when this is dropped.
pub(crate) struct Millpond {
    process: Ends,
    /// Where it answers: `host:port`.
    pub(crate) rpc: String,
}

impl Millpond {
    pub(crate) fn start(setup: &Setup<'_>) -> anyhow::Result<Self> {
        let process = Ends::start(setup.command().stderr(Stdio::piped()))?;
        let mut started = Self { process, rpc: String::new() };
        let log = started.process.child().stderr.take().context("no log")?;
        started.rpc = listening(BufReader::new(log))?;
        Ok(started)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Setup<'_> {
    fn command(&self) -> Command {
        let mut command = on_core(self.core, MILLPOND);
        command.arg("serve");
        for setting in self.settings() {
            command.args(["--set", &setting]);
        }
        command
    }

    fn settings(&self) -> Vec<String> {
        let capacity = self.capacity_bytes;
        let limit = (capacity * self.tables as u64).max(1 << 30) / 2 * 3;
        let mut settings = vec![
            format!("kafka.brokers={}", self.broker),
            format!("ingest.threads={}", self.threads),
            "ingest.start=earliest".into(),
            format!("memory.limit={limit}"),
            "rpc.listen=127.0.0.1:0".into(),
            "admin.listen=127.0.0.1:0".into(),
        ];
        for number in 0..self.tables {
            let mut set = |setting: &str| settings.push(format!("tables.{number}.{setting}"));
            set(&format!("name=table-{number}"));
            set(&format!("topic={}", self.topic));
            set(&format!("store={}", self.store));
            set(&format!("capacity={capacity}"));
            ["key=/id", "fields.description=/description", "ttl=24h"].into_iter().for_each(set);
        }
        settings
    }
}

/// A command that runs on this core alone, if one is given.
pub(crate) fn on_core(core: Option<usize>, program: &str) -> Command {
    let Some(core) = core else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// The log is not read any further; millpond has to go on without it.
fn listening(log: impl BufRead) -> anyhow::Result<String> {
    let mut said = String::new();
    for line in log.lines() {
        let line = line?;
        // What one says that does not start is no JSON.
        let json: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if json["message"] == "listening" {
            return Ok(json["rpc"].as_str().context("no address")?.to_owned());
        }
        said = said + &line + "\n";
    }
    bail!("millpond ended before it listened, and said\n{said}")
}
