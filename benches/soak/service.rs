//! `millpond serve` as it is shipped, inside a container, with its log kept.
//!
//! Owns the process from its start to its end, which comes with the soak's, however that ends.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::args::Args;
use crate::container::Container;
use crate::kafka::Guard;
use crate::log;

const MILLPOND: &str = env!("CARGO_BIN_EXE_millpond");
const START_PATIENCE: Duration = Duration::from_secs(60);
/// More than millpond's own deadline for a stop.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
const LAST_LINES: usize = 12;

pub(crate) struct Service {
    process: Child,
    guard: Guard,
    pub(crate) container: Container,
    /// Where it answers: `host:port`.
    pub(crate) rpc: String,
    pub(crate) log: PathBuf,
}

impl Service {
    /// Starts it, and returns when it listens.
    pub(crate) fn start(
        broker: &str,
        topic: &str,
        args: &Args,
        container: Container,
    ) -> anyhow::Result<Self> {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{topic}.log"));
        // A pipe and not the file: what is written to a file is charged to who writes.
        let (output, input) = std::io::pipe()?;
        let mut guard = Guard::new()?;
        let line = command_line(broker, topic, args, &container);
        let process = guard.spawn(&line, File::from(OwnedFd::from(input)))?;
        let mut service = Self { process, guard, container, rpc: String::new(), log };
        let (listening, heard) = sync_channel(1);
        let kept = File::create(&service.log)?;
        std::thread::spawn(move || log::drain(output, kept, &listening));
        let Ok(rpc) = heard.recv_timeout(START_PATIENCE) else { return service.no_start() };
        service.rpc = rpc;
        Ok(service)
    }

    fn no_start(mut self) -> anyhow::Result<Self> {
        let how = self.ended()?.map_or("is silent".to_owned(), |status| format!("ended: {status}"));
        let kills = self.container.oom_kills()?;
        let (peak, log) = (self.container.peak_bytes()?, fs::read_to_string(&self.log)?);
        let lines: Vec<_> = log.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
        bail!(
            "millpond does not listen, it {how}; {kills} OOM kills, at most {peak} B in use; {} \
             ends with\n{}",
            self.log.display(),
            last.join("\n")
        )
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// What `millpond stats` says of its memory.
    pub(crate) fn memory_json(&self) -> anyhow::Result<String> {
        let endpoint = format!("http://{}", self.rpc);
        let output = Command::new(MILLPOND)
            .args(["stats", "--output", "json", "--endpoint", &endpoint])
            .output()?;
        let why = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "millpond stats: {}: {why}", output.status);
        let stats: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok(serde_json::to_string_pretty(stats.get("memory").context("no memory in the stats")?)?)
    }

    /// Asks it to end, and says how it did; none when it had to be killed.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        let start = Instant::now();
        while start.elapsed() < STOP_PATIENCE {
            if let Some(status) = self.ended()? {
                return Ok(Some(status));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(None)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = self.guard.forget();
    }
}

fn command_line(broker: &str, topic: &str, args: &Args, container: &Container) -> Vec<OsString> {
    let settings = [
        format!("kafka.brokers={broker}"),
        "memory.limit=auto".into(),
        "ingest.threads=2".into(),
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
    let mut line = container.command_line(MILLPOND);
    line.push("serve".into());
    for setting in settings.iter().chain(&args.settings) {
        line.extend(["--set".into(), setting.into()]);
    }
    line
}
