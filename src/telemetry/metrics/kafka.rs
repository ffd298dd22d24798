//! The metrics of topics, brokers and the clock.

use std::fmt;

use super::catalogue::{
    BROKERS, CLIENT_RECREATED, CLOCK_BEHIND, CLOCK_STEPS, OUTAGE, TOPIC_RECREATED, TOPIC_STATE,
};
use super::records::write_sum;
use super::value::seconds_of_millis;
use super::writer::Writer;
use crate::stats::{BrokerState, KafkaStats, Snapshot, TopicStats, TopicStatus};

const TOPIC_STATES: [(&str, TopicStatus); 5] = [
    ("waiting", TopicStatus::Waiting),
    ("reading", TopicStatus::Reading),
    ("missing", TopicStatus::Missing),
    ("unauthorized", TopicStatus::Unauthorized),
    ("unreadable", TopicStatus::Unreadable),
];
const BROKER_STATES: [(&str, BrokerState); 4] = [
    ("unused", BrokerState::Unused),
    ("disconnected", BrokerState::Disconnected),
    ("connecting", BrokerState::Connecting),
    ("connected", BrokerState::Connected),
];

pub(super) fn write(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    write_topics(writer, &snapshot.topics)?;
    write_sum(writer, &TOPIC_RECREATED, snapshot, |partition| partition.recreated_count)?;
    write_sum(writer, &CLIENT_RECREATED, snapshot, |partition| partition.client_recreated_count)?;
    write_brokers(writer, &snapshot.kafka)?;
    let now = snapshot.started.plus(snapshot.uptime);
    let outage = snapshot.kafka.outage_start_time.map(|start| start.until(now));
    writer.single(&OUTAGE, outage.unwrap_or_default())?;
    writer.single(&CLOCK_STEPS, snapshot.clock.step_count)?;
    writer.single(&CLOCK_BEHIND, seconds_of_millis(snapshot.clock.behind_millis))
}

/// Several tables may read one topic, which is written once.
fn write_topics(writer: &mut Writer<'_>, topics: &[TopicStats]) -> fmt::Result {
    let is_first =
        |index: usize| topics[..index].iter().all(|other| other.topic != topics[index].topic);
    writer.family(&TOPIC_STATE, |samples| {
        for (_, topic) in topics.iter().enumerate().filter(|(index, _)| is_first(*index)) {
            for (name, status) in TOPIC_STATES {
                samples.put([&topic.topic, name], topic.status == status)?;
            }
        }
        Ok(())
    })
}

fn write_brokers(writer: &mut Writer<'_>, kafka: &KafkaStats) -> fmt::Result {
    let count = |state| kafka.brokers.iter().filter(|broker| broker.state == state).count() as u64;
    writer.each(&BROKERS, BROKER_STATES.map(|(name, state)| (name, count(state))))
}
