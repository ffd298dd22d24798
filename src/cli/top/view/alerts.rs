//! What needs attention, the worst first. Nothing while all is well.

use crate::cli::output::{count, escaped};
use crate::cli::top::format::span;
use crate::cli::top::model::Model;
use crate::proto::v1::TopicState;

pub(super) fn alerts(model: &Model) -> Vec<String> {
    let stats = &model.stats;
    let mut alerts = Vec::new();
    if let Some(reason) = &model.lost {
        let age = span(model.age_seconds());
        alerts.push(format!("LOST for {age}, retrying: {}", escaped(reason)));
    }
    let mismatches = stats.counter_check.map_or(0, |check| check.mismatch_count);
    if mismatches > 0 {
        alerts.push(format!("COUNTERS DO NOT ADD UP: {} mismatches", count(mismatches)));
    }
    if let Some(since) = stats.kafka.as_ref().and_then(|kafka| kafka.outage_start_time.as_ref()) {
        alerts.push(format!("NO BROKER ANSWERS since {since}"));
    }
    for topic in &stats.topics {
        let said = match topic.state() {
            TopicState::Missing => "does not exist",
            TopicState::Unauthorized | TopicState::Unreadable => "may not be read",
            TopicState::Reading | TopicState::Waiting | TopicState::Unspecified => continue,
        };
        alerts.push(format!("topic {} {said}", escaped(&topic.topic)));
    }
    for partition in stats.partitions.iter().filter(|each| each.open_transaction_offset.is_some()) {
        let (topic, number) = (escaped(&partition.topic), partition.partition);
        if partition.lag_records > 0 {
            alerts.push(format!("{topic}/{number} waits for a transaction to end"));
        }
    }
    alerts
}
