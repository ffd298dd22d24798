//! Who runs where: who is measured on one core, who asks on another.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// The cores of this process, as the kernel writes them: `0-1`.
pub(crate) struct Cores {
    all: String,
    pub(crate) server: Option<usize>,
    client: Option<usize>,
}

/// This process on the client's core, until it is dropped.
pub(crate) struct OnClientCore<'a>(&'a Cores);

impl Cores {
    /// None are chosen where there are not two.
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

    /// Puts this process, with what it starts from now on, on the client's core, and the broker
    /// that it started too, where that runs when the client does not: so the client does not
    /// wait for it. A broker that was given stays where it is.
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
        // Where it fails, what is measured next has too little room and shows it.
        let _ = self.0.free();
    }
}

/// The first two cores of a list such as `0-3` or `0,4`.
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
