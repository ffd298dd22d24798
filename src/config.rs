//! The configuration: its schema by section, its layers, its faults.
//!
//! A later layer writes over an earlier one: defaults, the file, the environment,
//! flags. All faults are found in one pass. [`Config`] is plain values and knows
//! nothing of who uses them: this module names no other of the crate.

mod condition;
mod constant;
mod dead_letter;
mod fault;
mod file;
mod form;
mod ingest;
mod kafka;
mod listen;
mod log;
mod memory;
mod overlay;
mod property;
mod reference;
mod report;
mod section;
mod shutdown;
mod size;
mod source;
mod spelling;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod ttl_from;

use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use self::condition::{Condition, Constant};
pub use self::fault::{Fault, Faults, Place};
pub use self::ingest::{Ingest, Start};
pub use self::kafka::Kafka;
pub use self::listen::{Admin, Rpc};
pub use self::log::{Log, LogFormat};
pub use self::memory::{Memory, MemoryLimit};
pub use self::property::Property;
pub use self::shutdown::Shutdown;
pub use self::size::{ByteSize, Capacity, Share};
pub use self::source::{InvalidSource, Pointer, Source};
pub use self::table::{Store, Table};
pub use self::ttl_from::TtlFrom;

use self::report::Report;
use self::section::Section;
use self::tree::Node;

/// All that millpond can be told, checked.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// The Kafka cluster and how it is spoken to.
    pub kafka: Kafka,
    /// The tables; at least one, with names of their own.
    pub tables: Vec<Table>,
    /// How the stream is read.
    pub ingest: Ingest,
    /// How much memory there is.
    pub memory: Memory,
    /// Where lookups are answered.
    pub rpc: Rpc,
    /// Where operators are answered.
    pub admin: Admin,
    /// What is logged.
    pub log: Log,
    /// How the service stops.
    pub shutdown: Shutdown,
}

impl Config {
    /// Reads all layers: a file if there is one, variables as `(name, value)` of which
    /// only those of millpond count, and flags as `KEY=VALUE`.
    ///
    /// # Errors
    ///
    /// All faults at once, but for a file that cannot be read or is not TOML: that is
    /// one fault and hides what else there may be.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        settings: &[String],
    ) -> Result<Self, Faults> {
        let mut tree = match file {
            Some(path) => file::read(path).map_err(|fault| Faults(vec![fault]))?,
            None => Node::section(Place::Nowhere),
        };
        let variables = environment
            .into_iter()
            .filter_map(|(name, value)| overlay::from_environment(&name, value));
        let settings = settings.iter().map(|setting| overlay::from_setting(setting));
        let mut report = Report::default();
        for change in variables.chain(settings) {
            if let Err(fault) = change.and_then(|change| tree.apply(change)) {
                report.faults.push(fault);
            }
        }
        let config = section::read(tree, &mut report, Self::read);
        report.conclude(config)
    }

    /// The whole configuration as TOML that can be loaded again, defaults and all.
    /// A secret is written as `<hidden>`.
    pub fn effective(&self) -> String {
        // Nothing in it can fail to be written; if it did, the page would say so.
        toml::to_string(self).unwrap_or_else(|error| format!("# {error}\n"))
    }

    /// Sixteen hexadecimal digits that are equal where [`Config::effective`] is, so
    /// that replicas can be compared. Secrets do not count.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(self.effective());
        let nibbles = digest.iter().take(8).flat_map(|byte| [byte >> 4, byte & 0xf]);
        nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect()
    }

    /// Every key with its form and its default, in Markdown.
    pub fn reference() -> String {
        reference::page()
    }

    fn read(root: &mut Section<'_>) -> Option<Self> {
        let kafka = root.section("kafka", kafka::ABOUT, Kafka::read);
        let tables = root.list("tables", table::ABOUT, Table::read);
        let ingest = root.section("ingest", ingest::ABOUT, Ingest::read);
        let memory = root.section("memory", memory::ABOUT, Memory::read);
        let rpc = root.section("rpc", listen::ABOUT_RPC, Rpc::read);
        let admin = root.section("admin", listen::ABOUT_ADMIN, Admin::read);
        let log = root.section("log", log::ABOUT, Log::read);
        let shutdown = root.section("shutdown", shutdown::ABOUT, Shutdown::read);
        if let Some(tables) = &tables {
            table::check_together(tables, memory.as_ref(), root.report);
        }
        if let (Some(rpc), Some(admin)) = (&rpc, &admin) {
            listen::check_together(rpc, admin, root.report);
        }
        if let (Some(kafka), Some(tables)) = (&kafka, &tables) {
            dead_letter::check_together(kafka, tables, root.report);
        }
        Some(Self {
            kafka: kafka?,
            tables: tables?,
            ingest: ingest?,
            memory: memory?,
            rpc: rpc?,
            admin: admin?,
            log: log?,
            shutdown: shutdown?,
        })
    }
}
