//! `millpond serve` as it is shipped, killed and started again, with its log kept.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use anyhow::{Context, bail};
use fastrand::Rng;

use crate::kafka::Guard;
use crate::log;
use crate::scene::Scene;

const MILLPOND: &str = env!("CARGO_BIN_EXE_millpond");
const START_PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Service<'a> {
    scene: &'a Scene,
    guard: Guard,
    process: Option<Child>,
    /// Where it answers since it was last started: `host:port`.
    pub(crate) rpc: String,
    /// Of all its starts.
    pub(crate) log: PathBuf,
}

impl<'a> Service<'a> {
    /// Starts it, and returns when it listens.
    pub(crate) fn start(scene: &'a Scene) -> anyhow::Result<Self> {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chaos-{}.log", scene.seed));
        File::create(&log)?;
        let guard = Guard::new()?;
        let mut service = Self { scene, guard, process: None, rpc: String::new(), log };
        service.run()?;
        Ok(service)
    }

    fn run(&mut self) -> anyhow::Result<()> {
        let (output, input) = std::io::pipe()?;
        let line = command_line(self.scene);
        self.process = Some(self.guard.spawn(&line, File::from(OwnedFd::from(input)))?);
        let (listening, heard) = sync_channel(1);
        let kept = File::options().append(true).open(&self.log)?;
        std::thread::spawn(move || log::drain(output, kept, &listening));
        let heard = heard.recv_timeout(START_PATIENCE);
        self.rpc =
            heard.with_context(|| format!("millpond does not listen: {}", self.log.display()))?;
        Ok(())
    }

    /// Kills it, and starts it when `pause` is over.
    pub(crate) fn restart(&mut self, pause: Duration) -> anyhow::Result<()> {
        self.kill()?;
        self.scene.stop.within(pause);
        self.run()
    }

    /// Kills and starts it until it is time to stop; how often.
    pub(crate) fn trouble(&mut self, mut rng: Rng) -> anyhow::Result<u64> {
        let mut kills = 0;
        while !self.scene.stop.within(Duration::from_millis(rng.u64(2_000..10_000))) {
            self.restart(Duration::from_millis(rng.u64(..2_000)))?;
            kills += 1;
        }
        Ok(kills)
    }

    /// Fails where there is nothing to kill: it never ends by itself.
    fn kill(&mut self) -> anyhow::Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let early = process.try_wait()?;
        process.kill()?;
        process.wait()?;
        self.guard.forget()?;
        match early {
            None => Ok(()),
            Some(status) => {
                bail!("millpond ended by itself, {status}: {}", self.log.display())
            }
        }
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        // Where it ended by itself, that has been said or another fault has.
        let _ = self.kill();
    }
}

fn command_line(scene: &Scene) -> Vec<OsString> {
    let start = if scene.from_earliest { "earliest" } else { "alive" };
    let settings = [
        format!("kafka.brokers={}", scene.bootstrap),
        "memory.limit=512MiB".into(),
        format!("ingest.threads={}", scene.threads),
        format!("ingest.start={start}"),
        "ingest.max_document=1200KiB".into(),
        format!("tables.0.topic={}", scene.topic),
        "tables.0.name=services".into(),
        "tables.0.key=/id".into(),
        "tables.0.fields.description=/description".into(),
        format!("tables.0.ttl={}s", scene.ttl.as_secs()),
        "tables.0.capacity=64MiB".into(),
        "rpc.listen=127.0.0.1:0".into(),
        "admin.listen=127.0.0.1:0".into(),
    ];
    let mut line = vec![MILLPOND.into(), "serve".into()];
    for setting in settings {
        line.extend(["--set".into(), setting.into()]);
    }
    line
}
