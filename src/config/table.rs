//! `[[tables]]`: what each table is called, what feeds it, how long and how much it keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use super::condition::Condition;
use super::constant::{self, ConstantForm};
use super::form::{Optional, Parsed, Text, Time, Word, serialize_duration};
use super::memory::{Memory, MemoryLimit};
use super::report::Report;
use super::section::{Section, Unset};
use super::size::{ByteSize, Capacity, Share};
use super::source::Source;
use super::ttl_from::TtlFrom;

pub(super) const ABOUT: &str = "The tables, at least one, each with a name of its own.";
const TEN_YEARS: Duration = Duration::from_secs(10 * 31_557_600);

/// One table.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// What callers know it by.
    pub name: String,
    /// The Kafka topic that feeds it.
    pub topic: String,
    /// Where an entry's key comes from.
    pub key: Source,
    /// How long an entry lives. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub ttl: Duration,
    /// From when that counts.
    pub ttl_from: TtlFrom,
    /// How much it may hold.
    pub capacity: Capacity,
    /// What holds the entries.
    pub store: Store,
    /// The topic that its rejected records are handed on to, if not `kafka.dead_letter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<String>,
    /// Where each field comes from, by name; at least one.
    pub fields: BTreeMap<String, Source>,
    /// What holds for the records that it takes: all of these.
    #[serde(serialize_with = "constant::serialize", skip_serializing_if = "Vec::is_empty")]
    pub only_when: Vec<Condition>,
    /// What holds for the records that delete the entry of their key: all of these, if any.
    #[serde(serialize_with = "constant::serialize", skip_serializing_if = "Vec::is_empty")]
    pub delete_when: Vec<Condition>,
}

/// What holds a table's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Store {
    /// The moka cache: when it is full, the least recently used entry leaves.
    Moka,
    /// Segments of packed entries: when it is full, the oldest entries leave.
    Compact,
}

const NAME: Text = Text {
    wanted: "a lower-case letter, then at most 62 of a-z, 0-9, _ and -",
    fault: |text| {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
        (!starts || text.len() > 63 || !text.chars().all(legal)).then_some("not a table's name")
    },
};

pub(super) const TOPIC: Text = Text {
    wanted: "1 to 249 of a-z, A-Z, 0-9, ., _ and -, but neither . nor .. alone",
    fault: |text| {
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let sized = (1..=249).contains(&text.len()) && text != "." && text != "..";
        (!sized || !text.chars().all(legal)).then_some("not a topic's name")
    },
};

const SOURCE: &str = "a JSON Pointer such as \"/id\", \"@key\" or \"@header/NAME\"";

impl Table {
    pub(super) fn read(section: &mut Section<'_>, tables: usize) -> Option<Self> {
        let name = section.key("name", &NAME, Unset::Fault, "What callers know it by.");
        let topic = section.key("topic", &TOPIC, Unset::Fault, "The Kafka topic that feeds it.");
        let key = section.key(
            "key",
            &Parsed::new(SOURCE),
            Unset::Fault,
            "Where an entry's key comes from.",
        );
        let fields = section.names(
            "fields",
            field_name_fault,
            &Parsed::new(SOURCE),
            &Unset::Fault,
            "What an entry keeps: at least one field, its name and where it comes from.",
        );
        let (only_when, delete_when) = (read_only_when(section), read_delete_when(section));
        let (ttl, ttl_from) = (read_ttl(section), read_ttl_from(section));
        let capacity = read_capacity(section, tables);
        let store = section.key(
            "store",
            &Word(&[("moka", Store::Moka), ("compact", Store::Compact)]),
            Unset::Means("moka"),
            "What holds the entries. `moka`: of a full table, the least recently used leave; \
             `compact`: the oldest leave, and an entry takes a third of the memory.",
        );
        let dead_letter = read_dead_letter(section);
        Some(Self {
            name: name?,
            topic: topic?,
            key: key?,
            ttl: ttl?,
            ttl_from: ttl_from?,
            capacity: capacity?,
            store: store?,
            dead_letter: dead_letter?,
            fields: fields?,
            only_when: only_when?,
            delete_when: delete_when?,
        })
    }
}

fn read_ttl(section: &mut Section<'_>) -> Option<Duration> {
    section.key(
        "ttl",
        &Time(Duration::from_millis(1)..=TEN_YEARS),
        Unset::Fault,
        "How long an entry lives, counted from `ttl_from`.",
    )
}

fn read_ttl_from(section: &mut Section<'_>) -> Option<TtlFrom> {
    section.key(
        "ttl_from",
        &Parsed::new("\"@record\", \"@arrival\", or where a time is, such as \"/updated_at\""),
        Unset::Means("@record"),
        "From when that counts: the record's timestamp, its coming here, or a time in it, as \
         milliseconds since 1970 or RFC 3339. A time in the future counts as now. A record \
         without that time is rejected. With anything but `@record` the topic is read from its \
         first record at the start, whatever `ingest.start` says: a record's timestamp does \
         not tell then whether it can be alive. With `@arrival` a restart begins every life \
         anew.",
    )
}

#[expect(clippy::option_option, reason = "a fault is not the same as nothing written")]
fn read_dead_letter(section: &mut Section<'_>) -> Option<Option<String>> {
    section.key(
        "dead_letter",
        &Optional(TOPIC),
        Unset::Derived("`kafka.dead_letter`", || None),
        "The topic that its rejected records are handed on to.",
    )
}

fn read_only_when(section: &mut Section<'_>) -> Option<Vec<Condition>> {
    let conditions = section.names(
        "only_when",
        constant::name_fault,
        &ConstantForm,
        &Unset::Derived("every record", || ()),
        "Which records count, such as `{ \"/kind\" = \"service\" }`: those in which each of \
         these places has this value, compared as JSON compares. The others are filtered out \
         and change nothing. A tombstone always counts.",
    );
    conditions.map(constant::all)
}

fn read_delete_when(section: &mut Section<'_>) -> Option<Vec<Condition>> {
    let conditions = section.names(
        "delete_when",
        constant::name_fault,
        &ConstantForm,
        &Unset::Derived("none", || ()),
        "Which records delete the entry of their `key`, such as `{ \"/deleted\" = true }`: \
         those that count and in which each of these places has this value.",
    );
    conditions.map(constant::all)
}

fn field_name_fault(name: &str) -> Option<(String, String)> {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let cure = "write a letter or _, then at most 62 letters, digits and _";
    (!starts || !legal || name.len() > 63).then(|| ("not a field's name".into(), cure.into()))
}

/// Tables that share have to say how: only a table alone gets a default.
fn read_capacity(section: &mut Section<'_>, tables: usize) -> Option<Capacity> {
    let unset = if tables > 1 { Unset::Fault } else { Unset::Means("60%") };
    section.key(
        "capacity",
        &Parsed::new("a size such as \"64MiB\", or a share such as \"60%\""),
        unset,
        "How much it may hold: bytes, or a share of the memory budget. With several tables \
         there is no default and each states its own.",
    )
}

/// Checks what no table can see alone.
pub(super) fn check_together(tables: &[Table], memory: Option<&Memory>, report: &mut Report) {
    let mut names = BTreeSet::new();
    for (index, table) in tables.iter().enumerate() {
        if !names.insert(&table.name) {
            let wrong = format!("found \"{}\": an earlier table has this name", table.name);
            report.fault(&format!("tables[{index}].name"), wrong, "give each its own");
        }
    }
    let shares = tables.iter().filter_map(|table| match table.capacity {
        Capacity::Share(share) => Some(share),
        Capacity::Bytes(_) => None,
    });
    let hundredths = Share::sum(shares);
    if hundredths > 100 * 100 {
        let percent = hundredths.div_ceil(100);
        let wrong = format!("the shares of all tables add up to {percent} %");
        report.fault("tables", wrong, "lower the tables' capacity until they are 100 % at most");
    }
    check_bytes(tables, memory, report);
}

fn check_bytes(tables: &[Table], memory: Option<&Memory>, report: &mut Report) {
    let Some(Memory { limit: MemoryLimit::Bytes(limit) }) = memory else { return };
    let bytes = tables.iter().fold(0_u64, |sum, table| match table.capacity {
        Capacity::Bytes(bytes) => sum.saturating_add(bytes),
        Capacity::Share(_) => sum,
    });
    if bytes > *limit {
        let [all, limit] = [bytes, *limit].map(ByteSize::bytes);
        let wrong = format!("all tables may hold {all}, and memory.limit is {limit}");
        report.fault("tables", wrong, "lower the tables' capacity or raise memory.limit");
    }
}
