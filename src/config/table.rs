//! `[[tables]]`: the name of each table, its topic, its key and fields, and how long and how
//! much it keeps.

use std::collections::BTreeMap;

use serde::Serialize;

use super::condition::{self, Condition, TestForm};
use super::form::{Optional, Parsed, TOPIC, Text, Word};
use super::key::{KeyForm, KeySources};
use super::life::Life;
use super::section::{Section, Unset};
use super::size::Capacity;
use super::source::{SOURCE, Source};

pub(super) const ABOUT: &str = "The tables: at least one, each with another name.";

/// One table.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The name by which callers ask for the table.
    pub name: String,
    /// The Kafka topic that feeds the table.
    pub topic: String,
    /// The part of the record that is the entry's key.
    pub key: KeySources,
    /// How long an entry lives.
    #[serde(flatten)]
    pub life: Life,
    /// The part of the record by which the newest of a key is known; the record's time if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Source>,
    /// How much the table may hold.
    pub capacity: Capacity,
    /// What keeps the entries.
    pub store: Store,
    /// What a rejected record does to the entry that it would have replaced.
    pub on_reject: OnReject,
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

/// What a rejected record does to the entry that it would have replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnReject {
    /// The entry stays, although there is a newer record of its key.
    Keep,
    /// The entry is deleted.
    Remove,
}

const NAME: Text = Text {
    wanted: "a lower-case letter, then at most 62 of a-z, 0-9, _ and -",
    fault: |text| {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
        (!starts || text.len() > 63 || !text.chars().all(legal)).then_some("not a table's name")
    },
};

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
        let key = read_key(section);
        let fields = read_fields(section);
        let (only_when, delete_when) = (read_only_when(section), read_delete_when(section));
        let (life, version) = (Life::read(section), read_version(section));
        let capacity = read_capacity(section, tables);
        let store = read_store(section);
        let (on_reject, dead_letter) = (read_on_reject(section), read_dead_letter(section));
        Some(Self {
            name: name?,
            topic: topic?,
            key: key?,
            life: life?,
            version: version?,
            capacity: capacity?,
            store: store?,
            on_reject: on_reject?,
            dead_letter: dead_letter?,
            fields: fields?,
            only_when: only_when?,
            delete_when: delete_when?,
        })
    }
}

fn read_key(section: &mut Section<'_>) -> Option<KeySources> {
    section.key(
        "key",
        &KeyForm,
        Unset::Fault,
        "The part of the record that is the entry's key, or several parts, of which the first that \
         is there and not null counts. A tombstone has no document. If no part is of the record \
         key, all of the record key is the key that a tombstone deletes. A record key that is one \
         JSON string is the text within its quotes.",
    )
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

fn read_on_reject(section: &mut Section<'_>) -> Option<OnReject> {
    section.key(
        "on_reject",
        &Word(&[("keep", OnReject::Keep), ("remove", OnReject::Remove)]),
        Unset::Means("keep"),
        "What becomes of an entry when a newer record of its key is rejected: it is kept, or it is \
         removed, so that no caller gets an answer that is out of date. The key has to be known: \
         the record has a bad time, header or time to live; or its document cannot be read, and \
         `key`, `only_when` and `version` are not in the document.",
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
        &TestForm,
        &Unset::Derived("every record", || ()),
        "Which records the table takes, such as `{ \"/kind\" = \"service\" }`: those in which each \
         of these parts has this value or one of these values, compared as JSON compares, or is \
         null, absent or present. Present is what is neither null nor absent. All others are \
         filtered out and change nothing. A tombstone is never filtered out.",
    );
    conditions.map(condition::all)
}

fn read_delete_when(section: &mut Section<'_>) -> Option<Vec<Condition>> {
    let conditions = section.names(
        "delete_when",
        condition::name_fault,
        &TestForm,
        &Unset::Derived("none", || ()),
        "Which records delete the entry of their `key`, such as `{ \"/deleted\" = true }`: of the \
         records that `only_when` takes, those for which all of these conditions hold. A record \
         that deletes may have its key in another place, see `key`.",
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
