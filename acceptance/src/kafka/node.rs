//! One `KRaft` node, broker and controller in one process, on loopback.
//!
//! Owns its ports, its settings (`server.properties`), its starts and its ends. Knows nothing of
//! the tests that use it. `distribution.rs` fetches Kafka.

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::distribution::Distribution;
use super::probe;
use crate::guard::Guard;

const SETTINGS: &str = include_str!("server.properties");
/// The cluster id: sixteen bytes in URL-safe base64, as Kafka requires.
const CLUSTER_ID: &str = "MillpondTestCluster-0A";
/// Below the ephemeral ports of the system, so that no client's socket and no other test's listener
/// takes a node's port while the node is down.
const PORTS: Range<u16> = 20_000..30_000;
/// Another process may take a free port before the node binds it, so there are several attempts.
const ATTEMPTS: u32 = 3;
/// For a machine that is busy with other things.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// A running or stopped node. It is killed and its data removed on drop, and also if the process
/// ends without dropping it.
#[derive(Debug)]
pub struct KafkaNode {
    distribution: &'static Distribution,
    bootstrap: String,
    extra: Vec<Listener>,
    more_settings: &'static str,
    process: Option<Child>,
    guard: Guard,
}

/// A listener beside the plaintext one.
#[derive(Debug, Clone)]
pub(super) struct Listener {
    /// Its name, in capitals.
    pub(super) name: &'static str,
    /// Its protocol, as in `security.protocol`.
    pub(super) protocol: &'static str,
    /// Its settings, without `listener.name.NAME` before each.
    pub(super) settings: Vec<(String, String)>,
    /// Its port, once the node has taken one.
    pub(super) port: u16,
}

impl KafkaNode {
    /// Starts a node without data, and returns when it serves.
    pub(super) fn start(distribution: &'static Distribution) -> Result<Self> {
        Self::start_with(distribution, Vec::new(), "")
    }

    /// Starts a node with more listeners and settings.
    pub(super) fn start_with(
        distribution: &'static Distribution,
        extra: Vec<Listener>,
        more_settings: &'static str,
    ) -> Result<Self> {
        let (bootstrap, guard) = (String::new(), Guard::new()?);
        let mut node = Self { distribution, bootstrap, extra, more_settings, process: None, guard };
        for attempt in 1.. {
            node.take_ports()?;
            match node.format().and_then(|()| node.run()) {
                Err(_) if attempt < ATTEMPTS && node.port_was_taken() => {}
                outcome => return outcome.map(|()| node),
            }
        }
        bail!("no attempt was made")
    }

    /// Where clients connect: `host:port`. It stays the same over restarts.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Where clients of a listener connect: `localhost:port`.
    pub(super) fn address_of(&self, listener: &str) -> Option<String> {
        let listener = self.extra.iter().find(|each| each.name == listener)?;
        Some(format!("localhost:{}", listener.port))
    }

    /// The folder of the node's settings, data and log.
    pub fn folder(&self) -> PathBuf {
        self.guard.folder().to_owned()
    }

    /// Shuts the node down cleanly, and returns when it has ended. The data stays.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(process) = &mut self.process {
            let asked = Command::new("kill").args(["-TERM", &process.id().to_string()]).status()?;
            ensure!(asked.success(), "the node could not be asked to end");
            process.wait()?;
        }
        self.ended()
    }

    /// Kills the node, as in a crash, and returns when it has ended. The data stays.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(process) = &mut self.process {
            process.kill()?;
            process.wait()?;
        }
        self.ended()
    }

    /// Starts the stopped or running node again, on the same ports and data, and returns when
    /// it serves.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.run()
    }

    /// Replaces a text in the node's settings, for its next start.
    pub(super) fn change_settings(&self, from: &str, to: &str) -> Result<()> {
        let settings = fs::read_to_string(self.settings())?;
        ensure!(settings.contains(from), "the text is not in the node's settings");
        Ok(fs::write(self.settings(), settings.replace(from, to))?)
    }

    fn ended(&mut self) -> Result<()> {
        self.process = None;
        self.guard.forget()
    }

    fn take_ports(&mut self) -> Result<()> {
        let (port, controller_port) = (free_port()?, free_port()?);
        let data = self.folder().join("data");
        for listener in &mut self.extra {
            listener.port = free_port()?;
        }
        let all = |text: fn(&Listener) -> String| self.extra.iter().map(text).collect::<String>();
        let settings = SETTINGS
            .replace("@LISTENERS@", &all(Listener::bound))
            .replace("@ADVERTISED@", &all(Listener::advertised))
            .replace("@PROTOCOLS@", &all(Listener::mapped))
            .replace("@PORT@", &port.to_string())
            .replace("@CONTROLLER_PORT@", &controller_port.to_string())
            .replace("@DATA@", &data.to_string_lossy());
        let settings = settings + &all(Listener::lines) + self.more_settings;
        fs::write(self.settings(), settings)?;
        self.bootstrap = format!("{}:{port}", Ipv4Addr::LOCALHOST);
        Ok(())
    }

    fn format(&self) -> Result<()> {
        let line = self.distribution.command_line("kafka.tools.StorageTool");
        let (java, options) = line.split_first().context("an empty command line")?;
        let output = Command::new(java)
            .args(options)
            .args(["format", "--ignore-formatted", "--cluster-id", CLUSTER_ID, "--config"])
            .arg(self.settings())
            .output()?;
        let why = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the node's folder could not be formatted: {why}");
        Ok(())
    }

    fn run(&mut self) -> Result<()> {
        let mut line = self.distribution.command_line("kafka.Kafka");
        line.push(self.settings().into_os_string());
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut process = self.guard.spawn(&line, log)?;
        let served = probe::wait_until_ready(&self.bootstrap, START_PATIENCE, || {
            let ended = process.try_wait()?;
            ended.map_or(Ok(()), |status| bail!("the node ended with {status}"))
        });
        self.process = Some(process);
        if served.is_err() {
            self.kill()?;
        }
        served.with_context(|| format!("kafka said: {}", self.last_words()))
    }

    fn port_was_taken(&self) -> bool {
        self.last_words().contains("Address already in use")
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let from = log.char_indices().rev().nth(4_000).map_or(0, |(at, _)| at);
        log.get(from..).unwrap_or_default().to_owned()
    }

    fn settings(&self) -> PathBuf {
        self.folder().join("server.properties")
    }

    fn log(&self) -> PathBuf {
        self.folder().join("node.log")
    }
}

impl Listener {
    fn bound(&self) -> String {
        format!(",{}://127.0.0.1:{}", self.name, self.port)
    }

    fn advertised(&self) -> String {
        format!(",{}://localhost:{}", self.name, self.port)
    }

    fn mapped(&self) -> String {
        format!(",{}:{}", self.name, self.protocol)
    }

    fn lines(&self) -> String {
        let name = self.name.to_lowercase();
        let line =
            |(key, value): &(String, String)| format!("listener.name.{name}.{key}={value}\n");
        self.settings.iter().map(line).collect()
    }
}

impl Drop for KafkaNode {
    fn drop(&mut self) {
        drop(self.kill());
    }
}

fn free_port() -> Result<u16> {
    let span = u64::from(PORTS.end - PORTS.start);
    for _ in 0..100 {
        // Each RandomState has another seed, so processes that start together try different ports.
        let step = u16::try_from(RandomState::new().build_hasher().finish() % span)?;
        let port = PORTS.start + step;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {}", PORTS.start, PORTS.end)
}
