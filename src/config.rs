//! The configuration: its schema by section, its layers, its faults.
//!
//! ```text
//! file, environment, flags -> tree of texts -> sections: typed values -> Config, or faults
//! ```
//!
//! A later layer overwrites an earlier one: defaults, the file, the environment, flags. All
//! faults are found in one pass. [`Config`] is plain values; this module uses no other module
//! of the crate but the list of methods, which a policy names.

mod access;
mod access_checks;
mod admin;
mod allow;
mod condition;
mod cross_checks;
mod fault;
mod file;
mod fitted;
mod form;
mod ingest;
mod jwt;
mod kafka;
mod key;
mod life;
mod list;
mod listen;
mod log;
mod memory;
mod methods;
mod otlp;
mod overlay;
mod property;
pub mod reference;
mod report;
mod rpc;
mod secret;
mod secret_file;
mod section;
mod security;
mod shutdown;
mod size;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod tls;
mod tree;
mod ttl_from;
mod unknown_key;
mod who;

use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use self::access::{Access, Tokens};
pub use self::admin::Admin;
pub use self::allow::{Allow, AllowedTables};
pub use self::condition::{Condition, Constant, Test};
pub use self::fault::{Fault, Faults, Place};
pub use self::fitted::Fitted;
pub use self::ingest::{Ingest, Start};
pub use self::jwt::{Jwt, JwtKeys};
pub use self::kafka::Kafka;
pub use self::key::KeySources;
pub use self::life::{Life, TimeUnit};
pub use self::log::{Log, LogFormat};
pub use self::memory::{Memory, MemoryLimit};
pub use self::methods::AllowedMethods;
pub use self::otlp::{Otlp, SampleRatio};
pub use self::property::Property;
pub use self::rpc::Rpc;
pub use self::secret::Secret;
pub use self::shutdown::Shutdown;
pub use self::size::{ByteSize, Capacity, Share};
pub use self::source::{InvalidSource, Pointer, Source};
pub use self::table::{OnReject, Store, Table};
pub use self::tls::{ClientCertificate, Tls};
pub use self::ttl_from::TtlFrom;
pub use self::who::{NamePattern, Who};

use self::report::Report;
use self::section::Section;
use self::tree::Node;

/// The whole configuration, valid.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// The Kafka cluster, and the settings of its client.
    pub kafka: Kafka,
    /// The tables: at least one, each with another name.
    pub tables: Vec<Table>,
    /// How the stream is read.
    pub ingest: Ingest,
    /// How much memory there is.
    pub memory: Memory,
    /// The gRPC server for lookups and statistics.
    pub rpc: Rpc,
    /// The HTTP server for operators and probes.
    pub admin: Admin,
    /// What is logged.
    pub log: Log,
    /// Where traces and metrics are sent. None: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp: Option<Otlp>,
    /// How the service stops.
    pub shutdown: Shutdown,
}

impl Config {
    /// Reads all layers: a file if there is one, environment variables as `(name, value)`,
    /// and flags as `KEY=VALUE`. Variables that are not for millpond are ignored.
    ///
    /// # Errors
    ///
    /// All faults at once. A file that cannot be read or is not TOML is a single fault, which
    /// hides all others.
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

    /// The same configuration for a process with a memory limit of so many bytes. Its text and its
    /// digest do not change.
    #[must_use]
    pub fn sized_for(&self, limit_bytes: u64) -> Self {
        let mut sized = self.clone();
        sized.ingest.fit(limit_bytes);
        sized.kafka.fit(limit_bytes, sized.ingest.threads.get());
        sized.rpc.fit(limit_bytes);
        sized
    }

    /// Every setting that is `auto`, with its value under the limit for which this is sized.
    pub fn auto_settings(&self) -> impl Iterator<Item = (&'static str, String)> {
        let Self { kafka, ingest, rpc, .. } = self;
        let settings = [
            ("kafka.fetch_buffer", kafka.fetch_buffer.auto_text()),
            ("ingest.threads", ingest.threads.auto_text()),
            ("rpc.pool", rpc.pool.auto_text()),
            ("rpc.watch_buffer", rpc.watch_buffer.auto_text()),
            ("rpc.max_connections", rpc.max_connections.auto_text()),
            ("rpc.max_connections_per_peer", rpc.max_connections_per_peer.auto_text()),
            ("rpc.max_streams", rpc.max_streams.auto_text()),
        ];
        settings.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// The whole configuration as TOML that can be loaded again, with the defaults. A secret is
    /// written as `<hidden>`.
    pub fn effective(&self) -> String {
        // Writing these values cannot fail. If it did, the text would show the error.
        toml::to_string(self).unwrap_or_else(|error| format!("# {error}\n"))
    }

    /// Sixteen hexadecimal digits that are equal if [`Config::effective`] is, so that replicas
    /// can be compared. Secrets do not count.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(self.effective());
        let nibbles = digest.iter().take(8).flat_map(|byte| [byte >> 4, byte & 0xf]);
        nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect()
    }

    /// The topic for a table's rejected records: its own or the common one.
    pub fn dead_letter_of<'a>(&'a self, table: &'a Table) -> Option<&'a str> {
        table.dead_letter.as_deref().or(self.kafka.dead_letter.as_deref())
    }

    fn read(root: &mut Section<'_>) -> Option<Self> {
        let kafka = root.section("kafka", kafka::ABOUT, Kafka::read);
        let tables = root.list("tables", table::ABOUT, Table::read);
        let ingest = root.section("ingest", ingest::ABOUT, Ingest::read);
        let memory = root.section("memory", memory::ABOUT, Memory::read);
        let rpc = root.section("rpc", rpc::ABOUT, Rpc::read);
        let admin = root.section("admin", admin::ABOUT, Admin::read);
        let log = root.section("log", log::ABOUT, Log::read);
        let otlp = root.optional_section("otlp", otlp::ABOUT, Otlp::read);
        let shutdown = root.section("shutdown", shutdown::ABOUT, Shutdown::read);
        if let Some(tables) = &tables {
            cross_checks::check_tables(tables, memory.as_ref(), root.report);
        }
        if let (Some(rpc), Some(admin)) = (&rpc, &admin) {
            cross_checks::check_ports(rpc, admin, root.report);
        }
        if let (Some(rpc), Some(tables)) = (&rpc, &tables) {
            access_checks::check(rpc, tables, root.report);
        }
        if let (Some(kafka), Some(tables)) = (&kafka, &tables) {
            cross_checks::check_dead_letters(kafka, tables, root.report);
        }
        Some(Self {
            kafka: kafka?,
            tables: tables?,
            ingest: ingest?,
            memory: memory?,
            rpc: rpc?,
            admin: admin?,
            log: log?,
            otlp: otlp?,
            shutdown: shutdown?,
        })
    }
}
