//! `promtool`, the tool of Prometheus that checks metrics and rules.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

use crate::require;

/// The tool, which is there.
#[derive(Debug)]
pub struct Promtool(());

impl Promtool {
    /// The tool for `test`. Returns None if this machine does not have it, and has then printed that
    /// the test is skipped: the caller returns.
    ///
    /// # Panics
    /// Instead of skipping, if `MILLPOND_REQUIRE_ALL` is 1.
    pub fn required_by(test: &str) -> Option<Self> {
        let cure = "install Debian's package prometheus";
        let skip = |why: &anyhow::Error| require::skip(test, "promtool", &format!("{why:#}"), cure);
        Self::find().inspect_err(skip).ok()
    }

    fn find() -> Result<Self> {
        let run = Command::new("promtool").arg("--version").output();
        let run = run.context("promtool could not be run")?;
        ensure!(run.status.success(), "promtool failed");
        Ok(Self(()))
    }

    /// Runs the tool with these arguments in this folder, and gives it this input. Returns all that it
    /// printed, if it found nothing wrong, and the same as an error if it did.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        folder: &Path,
        arguments: &[A],
        input: &str,
    ) -> Result<String> {
        let mut command = Command::new("promtool");
        command.current_dir(folder).args(arguments).stdin(Stdio::piped());
        let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let written = running.stdin.take().context("no input")?.write_all(input.as_bytes());
        let Output { status, stdout, stderr } = running.wait_with_output()?;
        let said = [stdout, stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        ensure!(status.success(), "{said}");
        written?;
        Ok(said)
    }
}
