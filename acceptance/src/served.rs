//! `millpond serve` as a process: started, stopped, killed and started again, with its log kept.
//!
//! Owns the process. It ends at the latest with this program, however this program ends. Knows
//! nothing of the runs that use it.

mod log;

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::cargo;
use crate::guard::Guard;
use log::Addresses;

const START_PATIENCE: Duration = Duration::from_secs(60);
/// Longer than millpond's own shutdown deadline.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
/// The number of log lines that are shown if millpond does not start.
const LAST_LINES: usize = 12;

/// A process of millpond. It is killed when this is dropped.
#[derive(Debug)]
pub struct Served {
    line: Vec<OsString>,
    guard: Guard,
    process: Option<Child>,
    addresses: Addresses,
    log: PathBuf,
}

impl Served {
    /// Starts millpond, and returns when it listens.
    ///
    /// `program` is the path of `millpond`. The arguments of a wrapper may come before it, such as
    /// [`Container::command_line`](crate::container::Container::command_line). The log is kept in
    /// the file `log`.
    pub fn start(program: Vec<OsString>, settings: &[String], log: PathBuf) -> Result<Self> {
        Self::start_with(program, None, settings, log)
    }

    /// The same with a configuration file, which `settings` override.
    pub fn start_configured(file: &Path, settings: &[String], log: &str) -> Result<Self> {
        let program = vec![cargo::millpond()?.into_os_string()];
        Self::start_with(program, Some(file), settings, cargo::log_file(log)?)
    }

    fn start_with(
        program: Vec<OsString>,
        file: Option<&Path>,
        settings: &[String],
        log: PathBuf,
    ) -> Result<Self> {
        let mut line = program;
        line.push("serve".into());
        if let Some(file) = file {
            line.extend(["--config".into(), file.into()]);
        }
        for setting in settings {
            line.extend(["--set".into(), setting.into()]);
        }
        File::create(&log)?;
        let guard = Guard::new()?;
        let mut served = Self { line, guard, process: None, addresses: Addresses::default(), log };
        served.run()?;
        Ok(served)
    }

    /// Starts the release build of this workspace. The log is at `target/tmp/LOG`.
    pub fn start_release(settings: &[String], log: &str) -> Result<Self> {
        let program = vec![cargo::millpond()?.into_os_string()];
        Self::start(program, settings, cargo::log_file(log)?)
    }

    /// Starts millpond again after its end. The log is continued.
    pub fn run(&mut self) -> Result<()> {
        // A pipe instead of the file: file pages are charged to the process that writes them.
        let (output, input) = std::io::pipe()?;
        self.process = Some(self.guard.spawn(&self.line, File::from(OwnedFd::from(input)))?);
        let (listening, heard) = sync_channel(1);
        let kept = File::options().append(true).open(&self.log)?;
        std::thread::spawn(move || log::drain(output, kept, &listening));
        let Ok(addresses) = heard.recv_timeout(START_PATIENCE) else { return self.no_start() };
        self.addresses = addresses;
        Ok(())
    }

    fn no_start(&mut self) -> Result<()> {
        let how = self
            .ended()?
            .map_or("prints no address".to_owned(), |status| format!("ended: {status}"));
        let log = fs::read_to_string(&self.log)?;
        let lines: Vec<_> = log.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
        let file = self.log.display();
        bail!("millpond does not listen, it {how}; {file} ends with\n{}", last.join("\n"))
    }

    /// The gRPC address since the last start: `host:port`.
    pub fn rpc(&self) -> &str {
        &self.addresses.rpc
    }

    /// The address of the admin port since the last start: `host:port`.
    pub fn admin(&self) -> &str {
        &self.addresses.admin
    }

    /// The path of the log, which covers all starts.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The lines of the log so far, the oldest first.
    pub fn log_lines(&self) -> Result<Vec<Value>> {
        let text = fs::read_to_string(&self.log)?;
        // The last line may be half written.
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The process id. None after a stop.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// The exit status, if the process has ended without being asked.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process.as_mut().map(Child::try_wait).transpose()?.flatten())
    }

    /// Sends SIGTERM and waits. Returns the exit status, or None if the process had to be killed.
    pub fn stop(&mut self) -> Result<Option<ExitStatus>> {
        let Some(id) = self.id() else { return Ok(None) };
        Command::new("kill").args(["-s", "TERM", &id.to_string()]).status()?;
        let start = Instant::now();
        while start.elapsed() < STOP_PATIENCE {
            if let Some(status) = self.ended()? {
                self.forget()?;
                return Ok(Some(status));
            }
            std::thread::park_timeout(LOOK);
        }
        self.kill()?;
        Ok(None)
    }

    /// Kills it, and waits for its end.
    pub fn kill(&mut self) -> Result<()> {
        let early = self.ended()?;
        let Some(process) = &mut self.process else { return Ok(()) };
        process.kill()?;
        process.wait()?;
        self.forget()?;
        match early {
            None => Ok(()),
            Some(status) => {
                bail!("millpond ended by itself, {status}: {}", self.log.display())
            }
        }
    }

    fn forget(&mut self) -> Result<()> {
        self.process = None;
        self.guard.forget()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // If it ended by itself, a failure was reported before.
        let _ = self.kill();
    }
}
