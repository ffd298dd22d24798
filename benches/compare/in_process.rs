//! The cost of a store alone: a table is filled and read in a separate process, without a stream
//! and without calls.

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use millpond_acceptance::cost::{self, exact};
use millpond_acceptance::report::say;
use millpond_benches::shape::Shape;
use millpond_benches::subject::Subject;

use crate::resident;

/// The arguments of the process.
#[derive(Debug, Clone, Args)]
pub(crate) struct InProcess {
    store: String,
    entries: u64,
    key_bytes: usize,
    value_bytes: usize,
    settle_millis: u64,
}

/// The output of the process: CPU nanoseconds for each operation, and resident bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) insert: f64,
    pub(crate) replace: f64,
    pub(crate) hit: f64,
    pub(crate) empty_bytes: f64,
    pub(crate) loaded_bytes: f64,
    pub(crate) replaced_bytes: f64,
}

/// Runs the process.
pub(crate) fn measure(
    store: &str,
    entries: u64,
    shape: Shape,
    settle: Duration,
) -> anyhow::Result<Figures> {
    let output = Command::new(std::env::current_exe()?)
        .args(["in-process", store, &entries.to_string()])
        .args([shape.key_bytes.to_string(), shape.value_bytes.to_string()])
        .arg(settle.as_millis().to_string())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the table of store {store} failed");
    let text = String::from_utf8(output.stdout)?;
    let numbers = text.split_whitespace().map(str::parse::<f64>).collect::<Result<Vec<_>, _>>()?;
    let [insert, replace, hit, empty_bytes, loaded_bytes, replaced_bytes] =
        numbers.try_into().ok().context("six numbers")?;
    Ok(Figures { insert, replace, hit, empty_bytes, loaded_bytes, replaced_bytes })
}

impl InProcess {
    /// The process that [`measure`] runs.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let shape = Shape { key_bytes: self.key_bytes, value_bytes: self.value_bytes };
        let settle = Duration::from_millis(self.settle_millis);
        let capacity_bytes = crate::capacity::of_table(self.entries, shape);
        let mut subject = Subject::open(&self.store, shape, capacity_bytes)?;
        let rss = |subject: &Subject| {
            subject.settle();
            resident::settled_bytes(std::process::id(), settle)
        };
        let empty = rss(&subject)?;
        let making_up = self.nanos_each(|number| {
            black_box((shape.key(number), shape.value(number)));
        })?;
        let making_up_key = self.nanos_each(|number| drop(black_box(shape.key(number))))?;
        let insert = self.nanos_each(|number| subject.insert(number))?;
        let loaded = rss(&subject)?;
        let mut random = fastrand::Rng::with_seed(1);
        let replace = self.nanos_each(|_| subject.insert(random.u64(..self.entries)))?;
        let hit = self.nanos_each(|_| {
            black_box(subject.has(random.u64(..self.entries)));
        })?;
        let replaced = rss(&subject)?;
        ensure!(subject.entries() == self.entries, "{} entries", subject.entries());
        let (insert, replace) = (insert - making_up, replace - making_up);
        say(&format!("{insert} {replace} {} {empty} {loaded} {replaced}", hit - making_up_key));
        Ok(())
    }

    /// CPU nanoseconds of one `act`, including those of the table's other threads.
    fn nanos_each(&self, mut act: impl FnMut(u64)) -> anyhow::Result<f64> {
        let before = cost::cpu(std::process::id())?;
        (0..self.entries).for_each(&mut act);
        let cpu = cost::cpu(std::process::id())?.saturating_sub(before);
        Ok(cpu.as_secs_f64() * 1e9 / exact(self.entries))
    }
}
