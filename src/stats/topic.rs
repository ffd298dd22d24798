//! One topic of a snapshot.

use crate::record::Timestamp;

/// A topic, as the ingest threads last found it.
#[derive(Debug, Clone)]
pub struct TopicStats {
    /// The topic's name.
    pub topic: String,
    /// How it was found.
    pub status: TopicStatus,
    /// Since when it has this status.
    pub since: Timestamp,
}

/// The status of a topic when the brokers were last asked for it. They are asked again
/// whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicStatus {
    /// No broker has answered yet.
    Waiting,
    /// It is being read.
    Reading,
    /// There is no such topic.
    Missing,
    /// The brokers do not let us describe it.
    Unauthorized,
    /// The brokers let us describe it, but not read it.
    Unreadable,
}
