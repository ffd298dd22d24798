//! `[[rpc.allow]]`: one entry of the policy: who may call what for which tables, and how often.

use serde::{Serialize, Serializer};

use super::form::{Count, Optional, Parsed, Size};
use super::list::ListOf;
use super::methods::{AllowedMethods, MethodsForm};
use super::section::{Section, Unset};
use super::size::ByteSize;
use super::who::{WHO, Who};

pub(super) const ABOUT: &str = "The policy: who may call what. Once there is an entry, all that no entry allows is denied, except \
     health. Without any, lookups are answered to everybody, and statistics, maintenance and \
     reflection to peers on loopback.";

/// Lets some identities call some methods for some tables.
#[derive(Clone, Debug, Serialize)]
pub struct Allow {
    /// The identities; at least one.
    pub who: Vec<Who>,
    /// The methods; at least one.
    pub methods: Vec<AllowedMethods>,
    /// The tables.
    pub tables: AllowedTables,
    /// Calls of each identity in a second. Above zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<usize>,
    /// Bytes of answers of each identity in a second. Above zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<ByteSize>,
}

/// Some tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedTables {
    /// All, and what is not about one table.
    All,
    /// Those with these names; at least one.
    Named(Vec<String>),
}

const ALL: &str = "*";

impl AllowedTables {
    /// Whether this table is among them, if there is one of this name.
    pub fn covers(&self, table: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == table),
        }
    }

    /// Whether they are all tables.
    pub fn covers_all(&self) -> bool {
        *self == Self::All
    }
}

impl Serialize for AllowedTables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => [ALL].serialize(serializer),
            Self::Named(names) => names.serialize(serializer),
        }
    }
}

impl Allow {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let who = section.key(
            "who",
            &ListOf(Parsed::new(WHO)),
            Unset::Fault,
            "Whom the entry is for: a URI or DNS name of a client certificate, the name of a token, \
             the subject of a JWT, `anonymous` for a caller that proved nothing, or `*` for any that \
             proved something. A name may end in `*` after a `/` or a `:`.",
        );
        let (methods, tables) = (read_methods(section), read_tables(section));
        let calls_per_second = section.key(
            "calls_per_second",
            &Optional(Count(1..=1_000_000)),
            Unset::Derived("no limit", || None),
            "Calls that each identity may make in a second, on all of its connections together. One \
             more gets RESOURCE_EXHAUSTED. A call counts for the first entry that allows it.",
        );
        let bytes_per_second = section.key(
            "bytes_per_second",
            &Optional(Size(ByteSize::kib(1)..=ByteSize::mib(1024))),
            Unset::Derived("no limit", || None),
            "Bytes of answers that each identity may get in a second. They are counted when an \
             answer is there: a larger one is sent too, and the calls after it are refused for a \
             while.",
        );
        Some(Self {
            who: who?,
            methods: methods?,
            tables: tables?,
            calls_per_second: calls_per_second?,
            bytes_per_second: bytes_per_second?,
        })
    }
}

fn read_methods(section: &mut Section<'_>) -> Option<Vec<AllowedMethods>> {
    section.key(
        "methods",
        &ListOf(MethodsForm),
        Unset::Fault,
        "The methods that they may call. A service stands for all its methods, also for those that \
         a later version adds.",
    )
}

fn read_tables(section: &mut Section<'_>) -> Option<AllowedTables> {
    let names: Vec<String> = section.key(
        "tables",
        &ListOf(Parsed::new("names of tables and \"*\"")),
        Unset::Fault,
        "The tables that they may call the methods for. What is not about one table, such as \
         `GetStats` and reflection, needs `*`. `ListTables` lists the tables that it is allowed for.",
    )?;
    let is_all = names.iter().any(|name| name == ALL);
    Some(if is_all { AllowedTables::All } else { AllowedTables::Named(names) })
}
