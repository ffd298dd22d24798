//! `[[tables]]`: the name of each table, its topic, its key and fields, and how long and how
//! much it keeps.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::condition::{self, Condition, ConstantForm};
use super::form::{Optional, Parsed, TOPIC, Text, Time, Word, serialize_duration};
use super::section::{Section, Unset};
use super::size::Capacity;
use super::source::Source;
use super::ttl_from::TtlFrom;

pub(super) const ABOUT: &str = "The tables: at least one, each with another name.";
const TEN_YEARS: Duration = Duration::from_secs(3_650 * 24 * 3_600);

/// One table.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The name by which callers ask for the table.
    pub name: String,
    /// The Kafka topic that feeds the table.
    pub topic: String,
    /// The part of the record that is the entry's key.
    pub key: Source,
    /// How long an entry lives. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub ttl: Duration,
    /// The start of the time to live.
    pub ttl_from: TtlFrom,
    /// The part of the record by which the newest of a key is known; the record's time if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Source>,
    /// How much the table may hold.
    pub capacity: Capacity,
    /// What keeps the entries.
    pub store: Store,
    /// The topic for its rejected records, if it is not `kafka.dead_letter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<String>,
    /// The part of the record that is each field's value, by the field's name; at least one.
    pub fields: BTreeMap<String, Source>,
    /// The table takes the records that fulfil all of these.
    #[serde(serialize_with = "condition::serialize", skip_serializing_if = "Vec::is_empty")]
    pub only_when: Vec<Condition>,
    /// The records that fulfil all of these, if there are any, delete the entry of their key.
    #[serde(serialize_with = "condition::serialize", skip_serializing_if = "Vec::is_empty")]
    pub delete_when: Vec<Condition>,
}

/// What keeps a table's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Store {
    /// The moka cache: when it is full, it evicts the least recently used entries.
    Moka,
    /// Segments of encoded entries: when it is full, it evicts the oldest entries.
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

const SOURCE: &str = "a JSON Pointer such as \"/id\", \"@key\" or \"@header/NAME\"";

impl Table {
    pub(super) fn read(section: &mut Section<'_>, tables: usize) -> Option<Self> {
        let name = section.key(
            "name",
            &NAME,
            Unset::Fault,
            "The name by which callers ask for the table.",
        );
        let topic =
            section.key("topic", &TOPIC, Unset::Fault, "The Kafka topic that feeds the table.");
        let key = section.key(
            "key",
            &Parsed::new(SOURCE),
            Unset::Fault,
            "The part of the record that is the entry's key.",
        );
        let fields = read_fields(section);
        let (only_when, delete_when) = (read_only_when(section), read_delete_when(section));
        let (ttl, ttl_from) = (read_ttl(section), read_ttl_from(section));
        let version = read_version(section);
        let capacity = read_capacity(section, tables);
        let store = read_store(section);
        let dead_letter = read_dead_letter(section);
        Some(Self {
            name: name?,
            topic: topic?,
            key: key?,
            ttl: ttl?,
            ttl_from: ttl_from?,
            version: version?,
            capacity: capacity?,
            store: store?,
            dead_letter: dead_letter?,
            fields: fields?,
            only_when: only_when?,
            delete_when: delete_when?,
        })
    }
}

fn read_fields(section: &mut Section<'_>) -> Option<BTreeMap<String, Source>> {
    section.names(
        "fields",
        field_name_fault,
        &Parsed::new(SOURCE),
        &Unset::Fault,
        "The fields of an entry: at least one. Each has a name, and the part of the record \
         that is its value.",
    )
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
        "The start of the time to live: the record's timestamp, its arrival here, or a time in the \
         record, as milliseconds since 1970 or RFC 3339. A time in the future counts as now. A \
         record without that time is rejected. With anything but `@record`, reading starts at the \
         first record of the topic, whatever `ingest.start` says, because a timestamp does not \
         tell then whether its record is still alive. With `@arrival`, every time to live starts \
         again after a restart.",
    )
}

#[expect(clippy::option_option, reason = "a fault is not the same as nothing written")]
fn read_version(section: &mut Section<'_>) -> Option<Option<Source>> {
    section.key(
        "version",
        &Optional(Parsed::new(SOURCE)),
        Unset::Derived("the record's time", || None),
        "Where a record says how new it is: an integer, or a time in RFC 3339, which counts to the \
         millisecond. Of two records of a key the one with the higher version is newer, whatever \
         their order; of equal versions the one of the higher partition, and then the later one. A \
         record without a version is rejected. A tombstone without one deletes whatever entry it \
         finds. With a version, reading starts at the first record of the topic, whatever \
         `ingest.start` says, because an old record may be the newest of its key.",
    )
}

#[expect(clippy::option_option, reason = "a fault is not the same as nothing written")]
fn read_dead_letter(section: &mut Section<'_>) -> Option<Option<String>> {
    section.key(
        "dead_letter",
        &Optional(TOPIC),
        Unset::Derived("`kafka.dead_letter`", || None),
        "The topic to which the rejected records of the table are produced.",
    )
}

fn read_only_when(section: &mut Section<'_>) -> Option<Vec<Condition>> {
    let conditions = section.names(
        "only_when",
        condition::name_fault,
        &ConstantForm,
        &Unset::Derived("every record", || ()),
        "Which records the table takes, such as `{ \"/kind\" = \"service\" }`: those in which each \
         of these parts has this value, compared as JSON compares. All others are filtered out and \
         change nothing. A tombstone is never filtered out.",
    );
    conditions.map(condition::all)
}

fn read_delete_when(section: &mut Section<'_>) -> Option<Vec<Condition>> {
    let conditions = section.names(
        "delete_when",
        condition::name_fault,
        &ConstantForm,
        &Unset::Derived("none", || ()),
        "Which records delete the entry of their `key`, such as `{ \"/deleted\" = true }`: of the \
         records that `only_when` takes, those in which each of these parts has this value.",
    );
    conditions.map(condition::all)
}

fn field_name_fault(name: &str) -> Option<(String, String)> {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let cure = "write a letter or _, then at most 62 letters, digits and _";
    (!starts || !legal || name.len() > 63).then(|| ("not a field's name".into(), cure.into()))
}

fn read_store(section: &mut Section<'_>) -> Option<Store> {
    section.key(
        "store",
        &Word(&[("moka", Store::Moka), ("compact", Store::Compact)]),
        Unset::Means("moka"),
        "What keeps the entries. A full `moka` table evicts the least recently used entries; a \
         full `compact` table evicts the oldest, and an entry takes a third of the memory.",
    )
}

/// Several tables share the budget, so each needs a capacity: only a single table has a
/// default.
fn read_capacity(section: &mut Section<'_>, tables: usize) -> Option<Capacity> {
    let unset = if tables > 1 { Unset::Fault } else { Unset::Means("60%") };
    section.key(
        "capacity",
        &Parsed::new("a size such as \"64MiB\", or a share such as \"60%\""),
        unset,
        "How much the table may hold: bytes, or a share of the memory budget. With several tables \
         there is no default: each needs its own.",
    )
}
