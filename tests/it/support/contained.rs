//! `millpond serve` as it is shipped, inside a memory limit of its own, with its log kept.
//!
//! Owns how it is started there, and whatever else is put into its container. It must not know what
//! a test is about.

use std::io::Read;
use std::ops::Deref;
use std::process::Stdio;

use millpond_acceptance::process::OwnedProcess;
use millpond_acceptance::served::Served;
use serde_json::Value;
use tempfile::TempDir;

use super::broker::{Broker, Topic};
use super::caller::Caller;
use super::container::Container;
use super::service::{table, with_basics};

/// A running process with a table `services`, alone in its container. It is killed when this is
/// dropped.
pub(crate) struct Contained {
    served: Served,
    caller: Caller,
    _folder: TempDir,
    /// Removed last.
    pub(crate) container: Container,
}

/// A process that holds memory of a container, until it is dropped.
pub(crate) struct Hog(#[expect(dead_code, reason = "held for its end")] OwnedProcess);

impl Contained {
    /// Starts it, fed by `topic`, and waits until it is ready. `settings` go over the defaults; its
    /// limit is its container's.
    pub(crate) async fn start(
        broker: &Broker,
        topic: &Topic,
        container: Container,
        settings: &[&str],
    ) -> Self {
        let mut all = with_basics(&broker.bootstrap(), &table(0, "services", &topic.name));
        all.extend(["memory.limit=auto".into(), "ingest.start=earliest".into()]);
        all.extend(settings.iter().map(ToString::to_string));
        let folder = tempfile::tempdir().unwrap();
        let program = container.command_line(env!("CARGO_BIN_EXE_millpond"));
        let served = Served::start(program, &all, folder.path().join("log")).expect("it listens");
        let caller = Caller::of(served.rpc().parse().unwrap());
        let service = Self { served, caller, _folder: folder, container };
        service.wait_until_ready().await;
        service
    }

    /// What the log says so far under `message`, a line each, the earliest first.
    pub(crate) fn said(&self, message: &str) -> Vec<Value> {
        let log = self.served.log_lines().unwrap();
        log.into_iter().filter(|line| line["message"] == message).collect()
    }

    /// Every message of the log so far.
    pub(crate) fn messages(&self) -> Vec<String> {
        let log = self.served.log_lines().unwrap();
        log.iter().filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
    }

    /// Asks it to end; whether it ended well.
    pub(crate) fn ends_well(mut self) -> bool {
        self.served.stop().unwrap().is_some_and(|status| status.success())
    }
}

impl Deref for Contained {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Hog {
    /// Takes so much memory of the container; it is taken when this returns.
    pub(crate) fn of(container: &Container, bytes: u64) -> Self {
        let mut command = container.command("dd");
        command.args(["if=/dev/zero", "iflag=fullblock", "count=1", &format!("bs={bytes}")]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = OwnedProcess::start(&mut command).expect("sh runs");
        // It writes when it has read all, and then waits for somebody to read the rest.
        let stdout = process.stdout.as_mut().unwrap();
        stdout.read_exact(&mut [0]).expect("dd got its memory");
        Self(process)
    }
}
