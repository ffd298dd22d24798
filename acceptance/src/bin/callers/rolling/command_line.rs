//! `millpond get`, over both services: where one says to try again or cannot be reached, the other
//! is asked.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::anyhow;
use millpond_acceptance::cargo;
use millpond_acceptance::report::say;

/// The statuses that say to ask elsewhere: unreachable, and try again.
const ELSEWHERE: [i32; 2] = [69, 75];

pub(super) struct CommandLine {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Vec<String>>>,
}

struct Caller {
    millpond: PathBuf,
    addresses: Vec<String>,
    table: String,
    key: String,
}

/// What one command came to.
enum Answer {
    Entry,
    Elsewhere,
    /// Anything else, in words.
    Failed(String),
}

impl CommandLine {
    pub(super) fn start(addresses: &[String], table: &str, key: &str) -> anyhow::Result<Self> {
        let (stop, millpond) = (Arc::new(AtomicBool::new(false)), cargo::millpond()?);
        let (table, key) = (table.to_owned(), key.to_owned());
        let caller = Caller { millpond, addresses: addresses.to_vec(), table, key };
        let stopped = Arc::clone(&stop);
        Ok(Self { stop, thread: std::thread::spawn(move || caller.run(&stopped)) })
    }

    /// Ends it. A line for each failed call.
    pub(super) fn stop(self) -> anyhow::Result<Vec<String>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the command line's thread died")).flatten()
    }
}

impl Caller {
    fn run(&self, stop: &AtomicBool) -> anyhow::Result<Vec<String>> {
        let (mut done, mut elsewhere, mut failures) = (0, 0, Vec::new());
        while !stop.load(Ordering::Relaxed) {
            let asked = self.get_from_any(done, &mut elsewhere)?;
            failures.extend(asked.map(|why| format!("millpond get: {why}")));
            done += 1;
        }
        say(&format!("command-line  {done} calls, {elsewhere} asked elsewhere too"));
        Ok(failures)
    }

    /// Asks the services in turn, beginning with the one of this number. Returns why there is no
    /// entry.
    fn get_from_any(&self, first: usize, elsewhere: &mut u64) -> anyhow::Result<Option<String>> {
        let count = self.addresses.len();
        for address in self.addresses.iter().cycle().skip(first % count).take(count) {
            match self.get(address)? {
                Answer::Entry => return Ok(None),
                Answer::Elsewhere => *elsewhere += 1,
                Answer::Failed(why) => return Ok(Some(why)),
            }
        }
        Ok(Some("every service said to ask elsewhere".into()))
    }

    fn get(&self, address: &str) -> anyhow::Result<Answer> {
        let output = Command::new(&self.millpond)
            .args(["get", &self.table, &self.key, "--require-ready", "--output", "json"])
            .args(["--endpoint", &format!("http://{address}")])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if output.status.success() && text.contains("\"entry\"") {
            return Ok(Answer::Entry);
        }
        if output.status.code().is_some_and(|code| ELSEWHERE.contains(&code)) {
            return Ok(Answer::Elsewhere);
        }
        let why = String::from_utf8_lossy(&output.stderr);
        Ok(Answer::Failed(format!("{}: {}{}", output.status, text.trim(), why.trim())))
    }
}

/// Whether the service at `address` has caught up with its stream.
pub(super) fn is_ready(millpond: &Path, address: &str) -> anyhow::Result<bool> {
    let output = Command::new(millpond)
        .args(["stats", "--output", "json", "--endpoint", &format!("http://{address}")])
        .output()?;
    let stats = serde_json::from_slice::<serde_json::Value>(&output.stdout);
    let ready = stats.ok().and_then(|stats| stats.get("ready")?.as_bool());
    Ok(ready == Some(true))
}
