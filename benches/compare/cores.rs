//! Core assignment: the measured server runs on one core, the client on another.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// The cores of this process, as the kernel writes them: `0-1`.
pub(crate) struct Cores {
    all: String,
    pub(crate) server: Option<usize>,
    client: Option<usize>,
}

/// Keeps this process on the client's core until it is dropped.
pub(crate) struct OnClientCore<'a>(&'a Cores);

impl Cores {
    /// Chooses the first two cores, or none if there are fewer than two.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let all = list.context("no cores in /proc/self/status")?.trim().to_owned();
        let cores = numbers(&all);
        let (server, client) = match cores.as_slice() {
            [server, client, ..] => (Some(*server), Some(*client)),
            _ => (None, None),
        };
        Ok(Self { all, server, client })
    }

    /// Moves this process, and those that it starts from now on, to the client's core. Moves a
    /// broker that it started there too, with idle priority, so that the client does not wait for
    /// it. A given broker is not moved.
    pub(crate) fn keep_to_client(&self) -> anyhow::Result<OnClientCore<'_>> {
        let Some(core) = self.client else { return Ok(OnClientCore(self)) };
        let kept = OnClientCore(self);
        put(std::process::id(), &core.to_string())?;
        if let Some(broker) = broker_process()? {
            put(broker, &core.to_string())?;
            schedule(broker, "--idle")?;
        }
        Ok(kept)
    }

    fn free(&self) -> anyhow::Result<()> {
        put(std::process::id(), &self.all)?;
        let Some(broker) = broker_process()? else { return Ok(()) };
        put(broker, &self.all)?;
        schedule(broker, "--other")
    }
}

impl Drop for OnClientCore<'_> {
    fn drop(&mut self) {
        // If this fails, the next measurement has too few cores, which is visible in its figures.
        let _ = self.0.free();
    }
}

/// The first cores of each part of a list such as `0-3` or `0,4`.
fn numbers(cores: &str) -> Vec<usize> {
    let mut numbers = Vec::new();
    for part in cores.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse(), last.parse::<usize>()) {
            numbers.extend((first..=last).take(2));
        }
    }
    numbers
}

fn broker_process() -> anyhow::Result<Option<u32>> {
    let parent = std::process::id().to_string();
    let output = Command::new("pgrep").args(["-P", &parent, "-x", "java"]).output()?;
    Ok(String::from_utf8(output.stdout)?.lines().next().and_then(|line| line.parse().ok()))
}

fn put(process: u32, cores: &str) -> anyhow::Result<()> {
    run(Command::new("taskset").args(["-acp", cores, &process.to_string()]))
}

fn schedule(process: u32, policy: &str) -> anyhow::Result<()> {
    run(Command::new("chrt").args(["--all-tasks", policy, "--pid", "0", &process.to_string()]))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("{command:?}: install util-linux"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
