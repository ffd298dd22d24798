//! A guard over a process: a small shell that outlives this program by a moment, kills the process
//! and its group if they still run, and removes its folder.
//!
//! Owns the folder, and the promise that no process is left behind. Knows nothing of the process
//! itself.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, ensure};

const SCRIPT: &str = include_str!("guard.sh");
/// Becomes the program once a line arrives, and ends if none does.
const GATE: &str = r#"read -r go && exec "$@" </dev/null"#;

/// A temporary folder, and at most one process that works in it, together with its process group. All
/// of them are removed at once on drop, and soon after this process has ended in any other way.
#[derive(Debug)]
pub struct Guard {
    shell: Child,
    orders: Option<ChildStdin>,
    folder: PathBuf,
}

impl Guard {
    /// Creates the folder and starts the guarding shell.
    pub fn new() -> Result<Self> {
        let mut shell = shell(SCRIPT)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("sh could not be run")?;
        let orders = shell.stdin.take();
        let mut folder = String::new();
        BufReader::new(shell.stdout.take().context("no stdout")?).read_line(&mut folder)?;
        let guard = Self { shell, orders, folder: PathBuf::from(folder.trim_end()) };
        ensure!(!folder.is_empty(), "no temporary folder could be made");
        Ok(guard)
    }

    /// The folder. It is removed together with the guard.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a guarded program and appends its output to `log`. The program waits until the guard
    /// knows its process id, so that it can never be left behind.
    pub fn spawn(&mut self, command_line: &[OsString], log: File) -> Result<Child> {
        let mut process = shell(GATE)
            .arg("gate")
            .args(command_line)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("sh could not be run")?;
        self.watch(Some(process.id()))?;
        process.stdin.take().context("no stdin")?.write_all(b"go\n")?;
        Ok(process)
    }

    /// Must be called when the process has ended, because its id may be reused.
    pub fn forget(&mut self) -> Result<()> {
        self.watch(None)
    }

    fn watch(&mut self, process: Option<u32>) -> Result<()> {
        let line = process.map(|process| process.to_string()).unwrap_or_default();
        let orders = self.orders.as_mut().context("the guard has ended")?;
        writeln!(orders, "{line}").context("the guard has died")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.orders.take());
        drop(self.shell.wait());
    }
}

/// A shell in its own process group: Ctrl-C in a terminal ends only this process, and the guard
/// cleans up.
fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).stdin(Stdio::piped()).process_group(0);
    shell
}
