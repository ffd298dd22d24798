//! A script of a package, as a process.
//!
//! Owns the process and all that it starts: nothing of it outlives this program.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::Result;
use millpond_acceptance::guard::Guard;

/// A first run fetches what a package depends on, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
const LOOK: Duration = Duration::from_millis(50);

/// A script, and what it gets.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    /// Where it is, and where it runs.
    pub(crate) folder: PathBuf,
    pub(crate) arguments: Vec<PathBuf>,
    /// Each is `NAME=VALUE`.
    pub(crate) environment: Vec<String>,
    /// Where its output is kept.
    pub(crate) log: PathBuf,
}

/// What a run came to.
pub(crate) struct Ran {
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
    /// All that it printed.
    pub(crate) output: String,
    pub(crate) took: Duration,
}

impl Script {
    /// Runs it until it has ended, or has taken too long.
    pub(crate) fn run(&self) -> Result<Ran> {
        let (start, mut guard) = (Instant::now(), Guard::new()?);
        let mut process = guard.spawn(&self.line(), File::create(&self.log)?)?;
        let mut status = None;
        while status.is_none() && start.elapsed() < PATIENCE {
            std::thread::park_timeout(LOOK);
            status = process.try_wait()?;
        }
        // Kills what the script left running, and the script too if it has not ended.
        drop(guard);
        process.wait()?;
        let output = String::from_utf8_lossy(&fs::read(&self.log)?).into_owned();
        Ok(Ran { failure: self.failure(status), output, took: start.elapsed() })
    }

    fn line(&self) -> Vec<OsString> {
        let mut line: Vec<OsString> = vec!["env".into(), "-C".into(), self.folder.clone().into()];
        line.extend(self.environment.iter().map(OsString::from));
        line.push(self.folder.join(self.name).into());
        line.extend(self.arguments.iter().map(OsString::from));
        line
    }

    fn failure(&self, status: Option<ExitStatus>) -> Option<String> {
        match status {
            Some(status) if status.success() => None,
            Some(status) => Some(format!("{} ended with {status}", self.name)),
            None => Some(format!("{} did not end within {PATIENCE:?}", self.name)),
        }
    }
}
