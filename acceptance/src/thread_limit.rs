//! A limit of the threads that a process may have, as in a container with a limit of pids.
//!
//! The process runs as a user of its own, whose threads the system counts: that needs no control
//! group, and no other process counts.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::require;

/// The first of the users. None of them has a name.
const FIRST_USER: u32 = 1_000_000;

/// Limits the threads of a process.
#[derive(Debug, Clone, Copy)]
pub struct ThreadLimit {
    threads: u32,
}

impl ThreadLimit {
    /// A limit of so many threads. The error says what this machine lacks.
    pub fn new(threads: u32) -> Result<Self> {
        let limit = Self { threads };
        let line = limit.command_line("true");
        let (program, words) = line.split_first().context("no words")?;
        let run = Command::new(program).args(words).stderr(Stdio::null()).status();
        let status = run.context("prlimit could not be run")?;
        ensure!(status.success(), "a program could not be run as another user, which takes root");
        Ok(limit)
    }

    /// A limit for `test`. Returns None if this machine cannot have one, and has then printed that
    /// the test is skipped: the caller returns.
    ///
    /// # Panics
    /// Instead of skipping, if `MILLPOND_REQUIRE_ALL` is 1.
    pub fn required_by(test: &str, threads: u32) -> Option<Self> {
        let cure = "run it as root, with prlimit and setpriv of util-linux";
        let skip = |why: &anyhow::Error| {
            require::skip(test, "a limit of threads", &format!("{why:#}"), cure);
        };
        Self::new(threads).inspect_err(skip).ok()
    }

    /// A command, as a list of words, that runs `program` under this limit. The caller adds the
    /// arguments. At most one such process may run at a time.
    pub fn command_line(self, program: impl AsRef<OsStr>) -> Vec<OsString> {
        // Another user for each limit: the threads of the process before may still be counted.
        let user = FIRST_USER + std::process::id() % 10_000 * 100 + self.threads % 100;
        vec![
            "prlimit".into(),
            format!("--nproc={}", self.threads).into(),
            "setpriv".into(),
            format!("--reuid={user}").into(),
            "--clear-groups".into(),
            program.as_ref().into(),
        ]
    }
}
