//! What a check of the connection has found, in plain data.

use serde::Serialize;

use crate::ingest::sample::Sample;

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
