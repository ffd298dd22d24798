//! `[kafka]`: which cluster, and how librdkafka is set up.

use std::collections::BTreeMap;

use serde::Serialize;

use super::form::{Optional, Size, Text};
use super::property::{self, Property};
use super::section::{Section, Unset};
use super::size::ByteSize;
use super::table;

pub(super) const ABOUT: &str = "The Kafka cluster and how it is spoken to.";

/// The Kafka cluster and how it is spoken to.
#[derive(Clone, Debug, Serialize)]
pub struct Kafka {
    /// The brokers to ask first, as `host:port` with commas between.
    pub brokers: String,
    /// What librdkafka's fetch queues may hold, over all threads together.
    pub queue: ByteSize,
    /// The topic that rejected records are handed on to, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<String>,
    /// Settings of librdkafka by name; none that millpond sets itself.
    pub properties: BTreeMap<String, Property>,
}

impl Kafka {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let brokers = section.key(
            "brokers",
            &Text { wanted: "host:port, with commas between several", fault: brokers_fault },
            Unset::Fault,
            "The brokers to ask first. They name the others.",
        );
        let queue = section.key(
            "queue",
            &Size(ByteSize::mib(4)..=ByteSize::mib(1024)),
            Unset::Means("12MiB"),
            "Budget for librdkafka's fetch queues, over all threads together: what is queued, \
             and what is fetched at once from each of the listed brokers, unpacked to four \
             times its size. Batches that are packed more tightly take more for a moment.",
        );
        let dead_letter = section.key(
            "dead_letter",
            &Optional(table::TOPIC),
            Unset::Derived("none", || None),
            "The topic that rejected records are handed on to, with headers that say why. What \
             does not fit into a queue of 1MiB is dropped and counted.",
        );
        let properties = section.names(
            "properties",
            property::name_fault,
            &property::PropertyForm,
            &Unset::Derived("none", || ()),
            "Settings of librdkafka, handed to it as they are. It checks them itself when \
             the client is created.",
        );
        let properties = properties.map(property::classify);
        Some(Self {
            brokers: brokers?,
            queue: queue?,
            dead_letter: dead_letter?,
            properties: properties?,
        })
    }
}

fn brokers_fault(text: &str) -> Option<&'static str> {
    text.split(',').find_map(|broker| match broker.trim().rsplit_once(':') {
        None => Some("a broker has no port"),
        Some(("", _)) => Some("a broker has no host"),
        Some((host, _)) if host.contains(char::is_whitespace) => Some("a host has a space in it"),
        // Without brackets the last group of an IPv6 address would be taken for the port.
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => {
            Some("an IPv6 address needs brackets, as in [::1]:9092")
        }
        Some((_, port)) => match port.parse::<u16>() {
            Ok(1..) => None,
            _ => Some("a port is not a number from 1 to 65535"),
        },
    })
}
