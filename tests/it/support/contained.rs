//! `millpond serve` as it is shipped, inside a memory limit of its own, with its log kept.
//!
//! Owns the process from its start to its end, and whatever else is put into its container. It
//! must not know what a test is about.

use std::io::{BufRead, BufReader, Read};
use std::ops::Deref;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::broker::{Broker, Topic};
use super::caller::Caller;
use super::container::Container;
use super::service::{PATIENCE, table, with_basics};

/// A running process with a table `services`, alone in its container. It is killed when this is
/// dropped.
pub(crate) struct Contained {
    process: Ended,
    log: Arc<Mutex<Vec<Value>>>,
    caller: Caller,
    /// Removed last.
    pub(crate) container: Container,
}

/// A process that has ended when this is dropped, whatever the test did.
struct Ended(Child);

/// A process that holds memory of a container, until it is dropped.
pub(crate) struct Hog(#[expect(dead_code, reason = "held for its end")] Ended);

impl Contained {
    /// Starts it, fed by `topic`, and waits until it listens. `settings` go over the defaults;
    /// its limit is its container's.
    pub(crate) async fn start(
        broker: &Broker,
        topic: &Topic,
        container: Container,
        settings: &[&str],
    ) -> Self {
        let mut all = with_basics(&broker.bootstrap(), &table(0, "services", &topic.name));
        all.extend(["memory.limit=auto".into(), "ingest.start=earliest".into()]);
        all.extend(settings.iter().map(ToString::to_string));
        let mut command = container.command(env!("CARGO_BIN_EXE_millpond"));
        command.arg("serve").args(all.iter().flat_map(|setting| ["--set", setting]));
        let child = command.stderr(Stdio::piped()).spawn().expect("sh runs");
        let mut process = Ended(child);
        let log = Arc::default();
        let rpc = listening(process.0.stderr.take().unwrap(), &log);
        let service = Self { process, log, caller: Caller::of(rpc.parse().unwrap()), container };
        service.wait_until_ready().await;
        service
    }

    /// What the log says so far under `message`, a line each, the earliest first.
    pub(crate) fn said(&self, message: &str) -> Vec<Value> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| line["message"] == message).cloned().collect()
    }

    /// Every message of the log so far.
    pub(crate) fn messages(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
    }

    /// Asks it to end; whether it ended well.
    pub(crate) fn ends_well(mut self) -> bool {
        let id = self.process.0.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        sent.unwrap().success() && self.process.0.wait().unwrap().success()
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
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = Ended(child.expect("sh runs"));
        // It writes when it has read all, and then waits for somebody to read the rest.
        let stdout = process.0.stdout.as_mut().unwrap();
        stdout.read_exact(&mut [0]).expect("dd got its memory");
        Self(process)
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keeps the log from now on, and waits until it says where the service listens.
fn listening(stderr: ChildStderr, log: &Arc<Mutex<Vec<Value>>>) -> String {
    let (say, said) = sync_channel(1);
    let kept = Arc::clone(log);
    std::thread::spawn(move || keep(stderr, &kept, &say));
    said.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it does not listen: {log:#?}"))
}

fn keep(stderr: ChildStderr, log: &Mutex<Vec<Value>>, listening: &SyncSender<String>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        // What one says that does not start is no JSON.
        let json = serde_json::from_str(&line).unwrap_or(Value::String(line));
        if let (Some("listening"), Some(rpc)) = (json["message"].as_str(), json["rpc"].as_str()) {
            // Nobody waits for a second one.
            let _ = listening.try_send(rpc.to_owned());
        }
        log.lock().unwrap().push(json);
    }
}
