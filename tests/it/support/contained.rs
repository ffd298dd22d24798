//! `millpond serve` in a container with a memory limit. Its log is kept.
//!
//! Owns starting the process, and other processes in the same container. Knows nothing of the
//! tests.

use std::io::Read;
use std::net::SocketAddr;
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

/// A running process with a table `services`, alone in its container. It is killed on drop.
pub(crate) struct Contained {
    served: Served,
    caller: Caller,
    _folder: TempDir,
    /// The last field, so that it is dropped after the processes in it.
    pub(crate) container: Container,
}

/// A process that holds memory of a container until it is dropped.
pub(crate) struct Hog(#[expect(dead_code, reason = "held for its end")] OwnedProcess);

impl Contained {
    /// Starts the process, fed by `topic`, and waits until it is ready. `settings` override the
    /// defaults. The memory limit is the container's.
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

    /// The address of the gRPC server.
    pub(crate) fn rpc(&self) -> SocketAddr {
        self.served.rpc().parse().unwrap()
    }

    /// The log lines so far with this message, the oldest first.
    pub(crate) fn said(&self, message: &str) -> Vec<Value> {
        let log = self.served.log_lines().unwrap();
        log.into_iter().filter(|line| line["message"] == message).collect()
    }

    /// All messages of the log so far.
    pub(crate) fn messages(&self) -> Vec<String> {
        let log = self.served.log_lines().unwrap();
        log.iter().filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
    }

    /// Asks the process to end. Returns whether it exited with success.
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
    /// Starts a process that holds this much memory. Returns once the memory is in use.
    pub(crate) fn of(container: &Container, bytes: u64) -> Self {
        let mut command = container.command("dd");
        command.args(["if=/dev/zero", "iflag=fullblock", "count=1", &format!("bs={bytes}")]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = OwnedProcess::start(&mut command).expect("sh runs");
        // The process writes when it has read all, and then waits until somebody reads the rest.
        let stdout = process.stdout.as_mut().unwrap();
        stdout.read_exact(&mut [0]).expect("dd got its memory");
        Self(process)
    }
}
