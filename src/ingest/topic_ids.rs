//! The ids of topics. A topic that is deleted and created again has another id.
//!
//! Kafka names a topic's id in its metadata. The client uses it and has no call that returns it,
//! but says in its debug log when it learns one. This file reads that line, and nothing else of
//! the log. Kafka before 2.8 names no ids: then none is known here.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// The context of the client's debug log with the line.
pub(super) const DEBUG_CONTEXT: &str = "topic";
/// The facility under which the client logs the line.
const FACILITY: &str = "METADATA";
const BEFORE_NAME: &str = "Topic ";
const BEFORE_OLD_ID: &str = " changed id from ";
const BEFORE_NEW_ID: &str = " to ";

/// The id of a topic, as the client writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicId(Box<str>);

/// The id of each topic, as of the newest metadata.
#[derive(Debug, Default)]
pub(super) struct TopicIds(Mutex<BTreeMap<Box<str>, TopicId>>);

impl TopicIds {
    /// Notes the id that a line of the client's log names, if it names one.
    pub(super) fn observe_log(&self, facility: &str, line: &str) {
        if facility == FACILITY
            && let Some((topic, id)) = new_id(line)
        {
            self.0.lock().insert(topic.into(), id);
        }
    }

    /// The id of a topic, if it is known.
    pub(super) fn get(&self, topic: &str) -> Option<TopicId> {
        self.0.lock().get(topic).cloned()
    }
}

/// The topic and its new id in a line such as "[thrd:main]: Topic events changed id from OLD to
/// NEW".
fn new_id(line: &str) -> Option<(&str, TopicId)> {
    let (before, ids) = line.split_once(BEFORE_OLD_ID)?;
    let (_, topic) = before.rsplit_once(BEFORE_NAME)?;
    let (_, id) = ids.split_once(BEFORE_NEW_ID)?;
    Some((topic, TopicId::new(id)))
}

impl TopicId {
    pub(super) fn new(id: &str) -> Self {
        Self(id.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_id_of_a_topic_is_read_from_the_log() {
        let ids = TopicIds::default();
        let line = |old, new| format!("[thrd:main]: Topic a.Topic changed id from {old} to {new}");
        for (old, new) in [("AAAAAAAAAAAAAAAAAAAAAA", "T0pI-c_1d"), ("T0pI-c_1d", "another")] {
            ids.observe_log("METADATA", &line(old, new));
            assert_eq!(ids.get("a.Topic"), Some(TopicId::new(new)));
        }
        assert_eq!(ids.get("b"), None);
    }

    #[test]
    fn no_other_line_is_taken_for_one_with_an_id() {
        let ids = TopicIds::default();
        ids.observe_log("METADATA", "[thrd:main]: Topic events [0] Leader 1 Epoch 0");
        ids.observe_log("METADATA", "[thrd:main]: Topic events changed id from A");
        ids.observe_log("FETCH", "[thrd:main]: Topic events changed id from A to B");
        assert_eq!(ids.get("events"), None);
    }
}
