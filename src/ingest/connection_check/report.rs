//! What a check of the connection has found, in plain data.

use std::collections::BTreeMap;

use serde::Serialize;

/// What was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionReport {
    /// The brokers that the cluster has named.
    pub brokers: Vec<BrokerAddress>,
    /// The topics that feed tables, in the order of the configuration.
    pub topics: Vec<TopicReport>,
    /// The topics for rejected records.
    pub dead_letters: Vec<TopicReport>,
}

/// A broker.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerAddress {
    /// Its id.
    pub id: i32,
    /// Its address as it is advertised, as `host:port`.
    pub address: String,
}

/// A topic.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicReport {
    /// The topic's name.
    pub topic: String,
    /// The tables that it feeds.
    pub tables: Vec<String>,
    /// What it holds; none if it cannot be read.
    pub log: Option<TopicLog>,
    /// Why it cannot be read.
    pub fault: Option<String>,
    /// Its last records as its tables would take them, the oldest first.
    pub samples: Vec<Sample>,
}

/// What a topic holds.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicLog {
    /// The number of partitions.
    pub partitions: usize,
    /// Offsets between the first and the last records, over all partitions. Compaction and
    /// transactions leave some without a record.
    pub offsets: i64,
}

/// A record as a table would take it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// The table.
    pub table: String,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// The record's timestamp.
    pub time: String,
    /// What would become of it.
    pub outcome: SampleOutcome,
    /// Why it would be rejected.
    pub reason: Option<&'static str>,
    /// The key of the entry that it would delete.
    pub deleted_key: Option<String>,
    /// The entry that it would make.
    pub entry: Option<SampleEntry>,
}

/// What would become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SampleOutcome {
    /// It would be stored.
    Stored,
    /// It would delete the entry of its key.
    Deleted,
    /// Its time to live is over.
    Expired,
    /// `only_when` does not hold for it.
    Filtered,
    /// It could not be stored.
    Rejected,
}

/// An entry.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SampleEntry {
    /// Its key.
    pub key: String,
    /// Its fields by name, without those that the record lacks.
    pub fields: BTreeMap<String, serde_json::Value>,
    /// When it would expire.
    pub expires: String,
}
