//! `millpond serve` as it is shipped, killed and started again, with its log kept.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::kafka::Guard;
use crate::log;

const MILLPOND: &str = env!("CARGO_BIN_EXE_millpond");
const START_PATIENCE: Duration = Duration::from_secs(60);

/// A process that does not outlive the benchmark, however that ends.
pub(crate) struct Served {
    line: Vec<OsString>,
    guard: Guard,
    process: Option<Child>,
    /// Where it answers since it was last started: `host:port`.
    pub(crate) rpc: String,
    /// Of all its starts.
    pub(crate) log: PathBuf,
}

impl Served {
    /// Starts it, and returns when it listens.
    pub(crate) fn start(settings: &[String], log: &str) -> anyhow::Result<Self> {
        let mut line: Vec<OsString> = vec![MILLPOND.into(), "serve".into()];
        for setting in settings {
            line.extend(["--set".into(), setting.into()]);
        }
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(log);
        File::create(&log)?;
        let mut served =
            Self { line, guard: Guard::new()?, process: None, rpc: String::new(), log };
        served.run()?;
        Ok(served)
    }

    /// Starts it again, once it is killed.
    pub(crate) fn run(&mut self) -> anyhow::Result<()> {
        let (output, input) = std::io::pipe()?;
        self.process = Some(self.guard.spawn(&self.line, File::from(OwnedFd::from(input)))?);
        let (listening, heard) = sync_channel(1);
        let kept = File::options().append(true).open(&self.log)?;
        std::thread::spawn(move || log::drain(output, kept, &listening));
        let heard = heard.recv_timeout(START_PATIENCE);
        self.rpc =
            heard.with_context(|| format!("millpond does not listen: {}", self.log.display()))?;
        Ok(())
    }

    /// Fails where there is nothing to kill: it never ends by itself.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
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

impl Drop for Served {
    fn drop(&mut self) {
        // Where it ended by itself, that has been said or another fault has.
        let _ = self.kill();
    }
}
