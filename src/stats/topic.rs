//! One topic of a snapshot.

use crate::record::Timestamp;

/// A topic, as the ingest threads last found it.
#[derive(Debug, Clone)]
pub struct TopicStats {
    /// The topic's name.
    pub topic: String,
    /// The state that it was found in.
    pub state: TopicState,
    /// Since when it has been in that state.
    pub since: Timestamp,
}

/// The state of a topic when the brokers were last asked for it. They are asked again in
/// every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicState {
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
