//! `[kafka]`: the cluster, and the settings of its client.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::fitted::{Fitted, OrAuto};
use super::form::{Optional, Size, TOPIC, Text};
use super::property::{self, Property};
use super::secret_file::{self, SecretFileForm};
use super::section::{Section, Unset};
use super::security;
use super::size::ByteSize;

pub(super) const ABOUT: &str = "The Kafka cluster, and the settings of its client.";

/// librdkafka takes four times a megabyte for each client at least, and some more for its queue.
/// There is a client for each thread, and one that was replaced.
const SMALLEST_MIB_OF_A_CLIENT: u64 = 5;
/// More fills the network no better, unless brokers are far away: ten milliseconds and more.
const LARGEST_FETCH_BUFFER: ByteSize = ByteSize::mib(48);
/// The memory limit is divided by this.
const FETCH_BUFFER_DIVISOR: u64 = 24;

/// The Kafka cluster, and the settings of its client.
#[derive(Clone, Debug, Serialize)]
pub struct Kafka {
    /// The brokers to connect to first, as `host:port` with commas between.
    pub brokers: String,
    /// The memory that librdkafka's fetch buffers may take, over all threads together.
    pub fetch_buffer: Fitted<ByteSize>,
    /// The topic to which rejected records are produced, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<String>,
    /// Settings of librdkafka by name, without those that millpond sets itself.
    pub properties: BTreeMap<String, Property>,
    /// Settings of librdkafka whose values are in files, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, PathBuf>,
}

impl Kafka {
    /// Computes the settings that are `auto`, for a memory limit of so many bytes.
    pub(super) fn fit(&mut self, limit_bytes: u64, threads: usize) {
        let part = ByteSize::mib((limit_bytes >> 20) / FETCH_BUFFER_DIVISOR);
        let smallest = ByteSize::mib(SMALLEST_MIB_OF_A_CLIENT * (threads as u64 + 1));
        self.fetch_buffer.fit(part.min(LARGEST_FETCH_BUFFER).max(smallest));
    }

    /// The files with certificates, keys and secrets, each with the name of its setting.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Path)> {
        let named = self.properties.iter().filter(|(name, _)| security::is_file(name));
        let named = named.map(|(name, value)| (name.as_str(), Path::new(value.expose())));
        named.chain(self.secrets.iter().map(|(name, file)| (name.as_str(), file.as_path())))
    }

    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let brokers = section.key(
            "brokers",
            &Text { wanted: "host:port, with commas between several", fault: brokers_fault },
            Unset::Fault,
            "The brokers to connect to first. They name the others.",
        );
        let fetch_buffer = section.key(
            "fetch_buffer",
            &OrAuto(Size(ByteSize::mib(4)..=ByteSize::mib(1024)), LARGEST_FETCH_BUFFER),
            Unset::Means("auto"),
            "`auto` is a 24th of the memory limit, at most 48MiB and at least 5MiB for each thread \
             and 5MiB more. More helps where brokers are ten milliseconds away. Memory for \
             librdkafka's clients: one a thread, one that was replaced and closes, and 1MiB for \
             offsets. It covers the records that wait in the queues and one response from each of \
             the listed brokers, decompressed to four times its size. Batches that are compressed \
             more tightly take more for a moment.",
        );
        let dead_letter = section.key(
            "dead_letter",
            &Optional(TOPIC),
            Unset::Derived("none", || None),
            "The topic to which rejected records are produced, with headers that say why. Records \
             that do not fit into a queue of 1MiB are dropped and counted.",
        );
        let (properties, secrets) = read_librdkafka(section)?;
        Some(Self {
            brokers: brokers?,
            fetch_buffer: fetch_buffer?,
            dead_letter: dead_letter?,
            properties,
            secrets,
        })
    }
}

/// The settings of librdkafka, and those whose values are in files.
fn read_librdkafka(
    section: &mut Section<'_>,
) -> Option<(BTreeMap<String, Property>, BTreeMap<String, PathBuf>)> {
    let properties = section.names(
        "properties",
        property::name_fault,
        &property::PropertyForm,
        &Unset::Derived("none", || ()),
        "Settings of librdkafka, passed on unchanged. librdkafka checks them when the client \
         is created.",
    );
    let secrets = section.names(
        "secrets",
        secret_file::name_fault,
        &SecretFileForm,
        &Unset::Derived("none", || ()),
        "Settings of librdkafka whose values are in files, such as `\"sasl.password\"`. When one of \
         these files or of those with certificates and keys changes, the connections are made \
         anew, without a restart.",
    );
    if let Some(properties) = &properties {
        security::check(&section.path_of("properties"), properties, section.report);
    }
    if let (Some(secrets), Some(properties)) = (&secrets, &properties) {
        let path = section.path_of("secrets");
        secret_file::check(&path, secrets, properties, section.report);
    }
    Some((property::classify(properties?), secrets?))
}

fn brokers_fault(text: &str) -> Option<&'static str> {
    text.split(',').find_map(|broker| match broker.trim().rsplit_once(':') {
        _ if broker.contains("://") => Some(
            "a broker has no scheme: whether TLS or SASL is used is said by \"security.protocol\" in \
             kafka.properties",
        ),
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
