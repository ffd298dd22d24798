//! Settings of millpond for a measurement.

use std::ffi::OsString;
use std::process::Command;

use millpond_acceptance::cargo;
use millpond_acceptance::served::Served;

use crate::workload::Pointers;

/// The settings.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// The broker's address: `host:port`.
    pub broker: &'a str,
    /// The topic that feeds every table.
    pub topic: &'a str,
    /// What is plucked from its documents.
    pub pointers: Pointers,
    /// The store: moka or compact.
    pub store: &'a str,
    /// The number of tables, all fed by the same topic: `table-0` and so on.
    pub tables: usize,
    /// The capacity of each table.
    pub capacity_bytes: u64,
    /// Ingest threads.
    pub threads: usize,
    /// If given, the capacity, the threads and the start are left to millpond's defaults in a
    /// container of this many bytes.
    pub container_bytes: Option<u64>,
    /// The core that it is restricted to, if any.
    pub core: Option<usize>,
}

impl Setup<'_> {
    /// Starts the release build, and returns when it listens.
    pub fn start(&self) -> anyhow::Result<Served> {
        let log = cargo::log_file(&format!("{}.log", self.topic))?;
        let program = on_core_words(self.core, cargo::millpond()?.into_os_string());
        Served::start(program, &self.settings(), log)
    }

    fn settings(&self) -> Vec<String> {
        let mut settings = vec![
            format!("kafka.brokers={}", self.broker),
            "rpc.listen=127.0.0.1:0".into(),
            "admin.listen=127.0.0.1:0".into(),
            "admin.lookups=true".into(),
        ];
        for number in 0..self.tables {
            let mut set = |setting: &str| settings.push(format!("tables.{number}.{setting}"));
            set(&format!("name=table-{number}"));
            set(&format!("topic={}", self.topic));
            set(&format!("store={}", self.store));
            set(&format!("key={}", self.pointers.key));
            set(&format!("fields.description={}", self.pointers.field));
            set("ttl=24h");
        }
        settings.extend(self.sizes());
        settings
    }

    fn sizes(&self) -> Vec<String> {
        if let Some(container_bytes) = self.container_bytes {
            return vec![format!("memory.limit={container_bytes}")];
        }
        let limit = (self.capacity_bytes * self.tables as u64).max(1 << 30) / 2 * 3;
        let mut settings = vec![
            format!("ingest.threads={}", self.threads),
            "ingest.start=earliest".into(),
            format!("memory.limit={limit}"),
        ];
        let capacity = |number| format!("tables.{number}.capacity={}", self.capacity_bytes);
        settings.extend((0..self.tables).map(capacity));
        settings
    }
}

/// A command that runs on this core only, if one is given.
pub fn on_core(core: Option<usize>, program: impl Into<OsString>) -> Command {
    let words = on_core_words(core, program.into());
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

fn on_core_words(core: Option<usize>, program: OsString) -> Vec<OsString> {
    let Some(core) = core else { return vec![program] };
    vec!["taskset".into(), "-c".into(), core.to_string().into(), program]
}
