//! A program that looks up keys by a client package, over both services by their one name.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use millpond_acceptance::process::OwnedProcess;
use millpond_acceptance::report::say;

use super::outcomes::Outcomes;
use super::target::Target;

/// What a program prints when its first lookup has ended.
const CALLING: &str = "calling";

/// A program that is built. `acceptance/packages/README.md` says what it does.
pub(super) struct Package {
    pub(super) name: &'static str,
    /// The program, and arguments that go before those of every program.
    pub(super) line: Vec<OsString>,
}

pub(super) struct PackageCaller {
    name: &'static str,
    process: OwnedProcess,
    output: BufReader<ChildStdout>,
    since: Instant,
}

impl Package {
    /// Starts it, and returns when it calls.
    pub(super) fn start(&self, target: &Target) -> Result<PackageCaller> {
        let name = self.name;
        let mut command = target.name.command(&self.line);
        command.args([&target.name.address(), target.table]).args(&target.keys);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = OwnedProcess::start(&mut command)?;
        let mut output = BufReader::new(process.stdout.take().context("no stdout")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        ensure!(line.trim_end() == CALLING, "{name}: the program does not call, it says: {line}");
        Ok(PackageCaller { name, process, output, since: Instant::now() })
    }
}

impl PackageCaller {
    /// Ends it. A line for each kind of failure.
    pub(super) fn stop(mut self) -> Result<Vec<String>> {
        let (name, took) = (self.name, self.since.elapsed());
        drop(self.process.stdin.take());
        let mut text = String::new();
        self.output.read_to_string(&mut text)?;
        let status = self.process.wait()?;
        if !status.success() {
            return Ok(vec![format!("{name}: the program ended with {status}")]);
        }
        let outcomes = Outcomes::parse(&text);
        say(&format!("{name:<13} {outcomes}"));
        let failures = outcomes.failures(took).into_iter();
        Ok(failures.map(|failure| format!("{name}: {failure}")).collect())
    }
}
