//! What an engineer would write instead of millpond: programs in other languages, from
//! `benches/peers/`, that keep a topic's fields in memory.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::ValueEnum;
use millpond_acceptance::cost::Cost;
use millpond_acceptance::language::Sources;
use millpond_acceptance::process::OwnedProcess;
use millpond_benches::workload::Pointers;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    GoGjson,
    GoValidGjson,
    GoJson,
    Streams,
}

/// A peer that can be started.
pub(crate) struct BuiltPeer {
    pub(crate) peer: Peer,
    program: PathBuf,
}

/// What a peer did until it had caught up with the end of a topic.
pub(crate) struct CaughtUp {
    pub(crate) cost: Cost,
    pub(crate) entries: u64,
}

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GoGjson => "Go + gjson",
            Self::GoValidGjson => "Go + gjson, validating",
            Self::GoJson => "Go + encoding/json",
            Self::Streams => "Kafka Streams",
        }
    }

    /// Builds it with the tools of its language.
    pub(crate) fn build(self) -> anyhow::Result<BuiltPeer> {
        let (folder, needs, tools): (_, &[_], _) = match self {
            Self::GoGjson | Self::GoValidGjson | Self::GoJson => {
                ("go", &["go"], "Go 1.26 or later")
            }
            Self::Streams => ("streams", &["javac", "mvn"], "a JDK from 17 on and Maven"),
        };
        let sources = Sources { folder: Path::new(FOLDER).join(folder), needs };
        let missing = sources.missing();
        let missing = missing.join(" and no ");
        ensure!(missing.is_empty(), "there is no {missing}, so install {tools}");
        let program = sources.build(&format!("peers/{folder}"))?;
        Ok(BuiltPeer { peer: self, program })
    }

    /// The arguments that choose its parser.
    fn parser(self) -> &'static [&'static str] {
        match self {
            Self::GoGjson => &["gjson"],
            Self::GoValidGjson => &["valid-gjson"],
            Self::GoJson => &["json"],
            Self::Streams => &[],
        }
    }
}

impl BuiltPeer {
    /// Reads a topic from its start until the peer says that it has caught up.
    pub(crate) fn read(
        &self,
        broker: &str,
        topic: &str,
        pointers: Pointers,
    ) -> anyhow::Result<CaughtUp> {
        let mut command = Command::new(&self.program);
        command.args([broker, topic, pointers.key, pointers.field]).args(self.peer.parser());
        let start = Instant::now();
        let mut process = OwnedProcess::start(command.stdout(Stdio::piped()))?;
        let mut output = BufReader::new(process.stdout.take().context("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let cost = Cost::of(process.id(), start.elapsed())?;
        // Example: caught up with 4000 entries
        let entries = line.split_whitespace().find_map(|word| word.parse().ok());
        let name = self.peer.name();
        let entries = entries.with_context(|| format!("{name} has not caught up: {line:?}"))?;
        Ok(CaughtUp { cost, entries })
    }
}
