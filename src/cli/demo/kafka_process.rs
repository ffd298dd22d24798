//! The demo's Kafka in a process of its own, so that the memory of the service is that of the
//! service alone.
//!
//! ```text
//! this process                          its child: `millpond demo-kafka`
//!     |  <-- address ---------------------  |  once the topic is there
//!     |  --- produce --------------------->  |
//!     |  --- stop ------------------------>  |
//!     |  <-- counts of what was produced --  |
//!     |  --- end of input ---------------->  |  ends
//! ```

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, ensure};

use super::kafka::Produced;

/// The verb of the child, which no help page lists.
pub(in crate::cli) const VERB: &str = "demo-kafka";

/// A running Kafka. It ends when this is dropped, or when this process ends.
pub(super) struct KafkaProcess {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    bootstrap: String,
}

impl KafkaProcess {
    /// Starts Kafka, and returns when its topic is there.
    pub(super) fn start(rate: u32) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find the program itself")?;
        let mut child = Command::new(program)
            .args([VERB, "--rate", &rate.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a process for the demo's kafka")?;
        let output = child.stdout.take().context("the demo's kafka has no output")?;
        let input = child.stdin.take();
        let mut kafka =
            Self { child, input, output: BufReader::new(output), bootstrap: String::new() };
        kafka.bootstrap = kafka.read_line()?;
        Ok(kafka)
    }

    /// Where clients connect: `host:port`.
    pub(super) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Begins to produce.
    pub(super) fn produce(&mut self) -> anyhow::Result<()> {
        self.tell("produce")
    }

    /// Stops producing, and returns the counts of all that was produced.
    pub(super) fn stop_producing(&mut self) -> anyhow::Result<Produced> {
        self.tell("stop")?;
        let counts = self.read_line()?;
        serde_json::from_str(&counts).context("the demo's kafka did not count")
    }

    fn tell(&mut self, command: &str) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("the demo's kafka has ended")?;
        writeln!(input, "{command}").context("the demo's kafka has ended")
    }

    fn read_line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let bytes = self.output.read_line(&mut line)?;
        ensure!(bytes > 0, "the demo's kafka has ended");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for KafkaProcess {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
