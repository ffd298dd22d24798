//! A service that callers are tried with: its stream and its settings.

use millpond_acceptance::producer::Source;

/// The only table.
pub(crate) const TABLE: &str = "services";

/// The names of two services. Each record has each name in a field of that name.
pub(crate) const INSTANCES: [&str; 2] = ["first", "second"];

/// A stream of small records with distinct keys.
pub(crate) struct Entries;

impl Source for Entries {
    fn key(&self, number: u64) -> String {
        key(number)
    }

    fn payload(&self, number: u64) -> Option<Vec<u8>> {
        let (key, [first, second]) = (key(number), INSTANCES);
        let instances = format!(r#""{first}":"{first}","{second}":"{second}""#);
        let description = format!(r#""description":"record {number}""#);
        Some(format!(r#"{{"id":"{key}",{description},{instances}}}"#).into_bytes())
    }
}

/// A setting by which each answer of a service names it.
pub(crate) fn instance_field(instance: &str) -> String {
    format!("tables.0.fields.instance=/{instance}")
}

pub(crate) fn key(number: u64) -> String {
    format!("key-{number:09}")
}

/// The settings of a service that listens for calls at `rpc`.
pub(crate) fn settings(broker: &str, topic: &str, rpc: &str, more: &[String]) -> Vec<String> {
    let mut settings = vec![
        format!("kafka.brokers={broker}"),
        "memory.limit=512MiB".into(),
        "ingest.threads=2".into(),
        "ingest.start=earliest".into(),
        format!("tables.0.topic={topic}"),
        format!("tables.0.name={TABLE}"),
        "tables.0.key=/id".into(),
        "tables.0.fields.description=/description".into(),
        "tables.0.ttl=24h".into(),
        "tables.0.capacity=50%".into(),
        format!("rpc.listen={rpc}"),
        "admin.listen=127.0.0.1:0".into(),
    ];
    settings.extend_from_slice(more);
    settings
}
