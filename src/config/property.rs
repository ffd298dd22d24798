//! The settings of librdkafka: which of them may not be set, and which are never shown.
//!
//! What a setting means, and whether its value is valid, only librdkafka knows.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::form::Form;
use super::secret::{HIDDEN, Secret};
use super::tree::Kind;

/// The value of a setting. Shown as `<hidden>` where it is a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Property {
    /// A value that may be shown.
    Open(String),
    /// A value that only librdkafka may see.
    Secret(Secret),
}

impl Property {
    /// The value itself, secret or not. For librdkafka and nothing else.
    pub fn expose(&self) -> &str {
        match self {
            Self::Open(value) => value,
            Self::Secret(value) => value.expose(),
        }
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(value) => fmt::Debug::fmt(value, f),
            Self::Secret(value) => fmt::Debug::fmt(value, f),
        }
    }
}

impl Serialize for Property {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Open(value) => value.serialize(serializer),
            Self::Secret(value) => value.serialize(serializer),
        }
    }
}

/// Settings that millpond sets itself or never allows, and what to write instead.
const OWNED: [(&str, &str); 19] = [
    ("bootstrap.servers", "set kafka.brokers"),
    ("metadata.broker.list", "set kafka.brokers"),
    ("group.id", LEAVE_GROUP),
    ("group.instance.id", LEAVE_GROUP),
    ("group.protocol", LEAVE_GROUP),
    ("enable.auto.commit", LEAVE_OFFSETS),
    ("auto.commit.enable", LEAVE_OFFSETS),
    ("auto.commit.interval.ms", LEAVE_OFFSETS),
    ("enable.auto.offset.store", LEAVE_OFFSETS),
    ("auto.offset.reset", "set ingest.start"),
    (
        "enable.partition.eof",
        "leave it out: millpond learns from statistics where a partition ends",
    ),
    ("statistics.interval.ms", "leave it out: millpond needs the statistics at its own pace"),
    ("queued.min.messages", SET_FETCH_BUFFER),
    ("queued.max.messages.kbytes", SET_FETCH_BUFFER),
    ("fetch.max.bytes", SET_FETCH_BUFFER),
    ("fetch.message.max.bytes", SET_FETCH_BUFFER),
    ("max.partition.fetch.bytes", SET_FETCH_BUFFER),
    ("fetch.queue.backoff.ms", SET_FETCH_BUFFER),
    ("plugin.library.paths", "leave it out: it loads code into the process"),
];
const LEAVE_GROUP: &str = "leave it out: millpond assigns its partitions itself, without a group";
const LEAVE_OFFSETS: &str = "leave it out: millpond commits no offsets";
const SET_FETCH_BUFFER: &str = "set kafka.fetch_buffer: millpond derives this setting from it";

/// Why a setting of this name is refused, and what to write instead.
pub(super) fn name_fault(name: &str) -> Option<(String, String)> {
    let (_, cure) = OWNED.iter().find(|(owned, _)| *owned == name)?;
    Some(("millpond owns this setting of librdkafka".into(), (*cure).into()))
}

/// The settings that millpond owns, for the reference page.
pub(super) fn owned() -> impl Iterator<Item = (&'static str, &'static str)> {
    OWNED.into_iter()
}

/// A setting with one of these in its name is a secret. They cover all settings that
/// librdkafka marks as sensitive, and similar names that a later version may add.
const SECRET_PARTS: [&str; 10] = [
    "password",
    "passphrase",
    "secret",
    "private.key",
    "ssl.key.",
    "ssl.keystore.",
    "ssl.ca.pem",
    "sasl.username",
    "sasl.oauthbearer.config",
    "jaas",
];

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARTS.iter().any(|part| name.contains(part)) || name.ends_with("token")
}

/// Separates the secrets from the other settings.
pub(super) fn classify(properties: BTreeMap<String, String>) -> BTreeMap<String, Property> {
    let classify = |(name, value): (String, String)| {
        let value =
            if is_secret(&name) { Property::Secret(value.into()) } else { Property::Open(value) };
        (name, value)
    };
    properties.into_iter().map(classify).collect()
}

/// Any single value; never shown in a fault, since it may be a secret.
pub(super) struct PropertyForm;

impl Form for PropertyForm {
    type Value = String;

    fn wanted(&self) -> String {
        "a text, a whole number, true or false".into()
    }

    fn parse(&self, text: &str) -> Result<String, String> {
        // In C a text ends at the first NUL.
        if text.contains('\0') { Err("a NUL in it".into()) } else { Ok(text.into()) }
    }

    fn accepts(&self, kind: Kind) -> bool {
        kind != Kind::Other
    }

    fn show(&self, _: &str) -> String {
        HIDDEN.into()
    }
}
