//! What changed between two snapshots, in words.
//!
//! Each change is said once for a table or a topic, not for each of its partitions: a marks list that
//! one fault fills is of no use.

use std::collections::BTreeMap;

use super::marks::MarkKind;
use crate::memory::Stage;
use crate::stats::{BrokerState, PartitionStats, Snapshot, TlsStats, TopicStatus};
use crate::table::Removal;

/// Calls `add` for each change.
pub(super) fn between(last: &Snapshot, now: &Snapshot, mut add: impl FnMut(MarkKind, String)) {
    tables(last, now, &mut add);
    memory(last, now, &mut add);
    brokers(last, now, &mut add);
    topics(last, now, &mut add);
    partitions(last, now, &mut add);
    faults(last, now, &mut add);
}

fn tables(last: &Snapshot, now: &Snapshot, add: &mut impl FnMut(MarkKind, String)) {
    let freshness = last.freshness.iter().zip(&now.freshness);
    for (table, (was, is)) in now.tables.iter().zip(freshness) {
        if is.is_ready && !was.is_ready {
            add(MarkKind::State, format!("table {} is ready", table.name));
        }
    }
    for (was, is) in last.tables.iter().zip(&now.tables) {
        let [was, evicted] = [was, is].map(|table| table.removals.count(Removal::Evicted));
        if was == 0 && evicted > 0 {
            let text = format!("table {} is full: entries are evicted for newer ones", is.name);
            add(MarkKind::State, text);
        }
    }
    let (was_loading, is_loading) = (
        PartitionStats::loading_by_table(&last.partitions),
        PartitionStats::loading_by_table(&now.partitions),
    );
    for (table, loading) in &is_loading {
        if !was_loading.contains_key(table) {
            let records = loading.remaining_records;
            add(MarkKind::State, format!("table {table} is loading {records} records"));
        }
    }
    for table in was_loading.keys().filter(|table| !is_loading.contains_key(*table)) {
        add(MarkKind::State, format!("table {table} has read its backlog"));
    }
}

fn memory(last: &Snapshot, now: &Snapshot, add: &mut impl FnMut(MarkKind, String)) {
    let [was, is] = [last, now].map(|snapshot| snapshot.memory.pressure.stage());
    if was != is {
        let [was, is] = [was, is].map(stage);
        add(MarkKind::Pressure, format!("memory pressure: {is}, was {was}"));
    }
    let [was, is] = [last, now].map(|snapshot| snapshot.memory.limit_bytes);
    if was != is {
        let [was, is] = [was, is].map(|bytes| bytes >> 20);
        add(MarkKind::Pressure, format!("memory limit: {is} MiB, was {was} MiB"));
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Normal => "normal",
        Stage::Purging => "purging",
        Stage::Evicting => "evicting",
        Stage::Paused => "paused",
    }
}

fn brokers(last: &Snapshot, now: &Snapshot, add: &mut impl FnMut(MarkKind, String)) {
    let mut connected = 0;
    for broker in &now.kafka.brokers {
        let was = last.kafka.brokers.iter().find(|was| was.address == broker.address);
        let was_connected = was.map(|was| was.state == BrokerState::Connected);
        let is_connected = broker.state == BrokerState::Connected;
        connected += usize::from(is_connected);
        if was_connected == Some(true) && !is_connected {
            let fault = broker.last_fault.as_ref();
            let reason = fault.map(|fault| format!(": {}", fault.reason)).unwrap_or_default();
            add(MarkKind::Kafka, format!("broker {} is not connected{reason}", broker.address));
        } else if was_connected == Some(false) && is_connected {
            add(MarkKind::Kafka, format!("broker {} is connected", broker.address));
        }
    }
    let [was_out, is_out] = [last, now].map(|snapshot| snapshot.kafka.outage_start_time.is_some());
    match (was_out, is_out) {
        (false, true) => add(MarkKind::Kafka, "a Kafka client has no broker that answers".into()),
        (true, false) => {
            add(MarkKind::Kafka, format!("Kafka answers again, {connected} brokers are connected"));
        }
        _ => {}
    }
}

fn topics(last: &Snapshot, now: &Snapshot, add: &mut impl FnMut(MarkKind, String)) {
    for topic in &now.topics {
        let was = last.topics.iter().find(|was| was.topic == topic.topic).map(|was| was.status);
        if was != Some(topic.status) {
            add(MarkKind::Kafka, format!("topic {}: {}", topic.topic, status(topic.status)));
        }
    }
}

fn status(status: TopicStatus) -> &'static str {
    match status {
        TopicStatus::Waiting => "no broker has answered for it yet",
        TopicStatus::Reading => "it is being read",
        TopicStatus::Missing => "it does not exist",
        TopicStatus::Unauthorized => "the brokers do not let us describe it",
        TopicStatus::Unreadable => "the brokers do not let us read it",
    }
}

/// How much the counters of a topic's partitions grew.
#[derive(Default)]
struct Growth {
    recreated: u64,
    lost_records: u64,
    stalled: u64,
}

fn partitions(last: &Snapshot, now: &Snapshot, add: &mut impl FnMut(MarkKind, String)) {
    let mut topics = BTreeMap::<(&str, &str), Growth>::new();
    let before: BTreeMap<_, _> =
        last.partitions.iter().map(|was| ((&was.table, &was.topic, was.partition), was)).collect();
    for is in &now.partitions {
        let Some(was) = before.get(&(&is.table, &is.topic, is.partition)) else { continue };
        let growth = topics.entry((&is.table, &is.topic)).or_default();
        growth.recreated += is.recreated_count.saturating_sub(was.recreated_count);
        growth.lost_records += is.retention_gap_records.saturating_sub(was.retention_gap_records);
        growth.stalled += is.client_recreated_count.saturating_sub(was.client_recreated_count);
    }
    for ((table, topic), growth) in topics {
        let Growth { recreated, lost_records, stalled } = growth;
        if recreated > 0 {
            add(
                MarkKind::Kafka,
                format!("topic {topic} was recreated: table {table} reads it anew"),
            );
        }
        if lost_records > 0 {
            let text = format!("topic {topic}: retention removed {lost_records} records unread");
            add(MarkKind::Fault, text);
        }
        if stalled > 0 {
            let text = format!("topic {topic}: {stalled} partitions stalled, their client is new");
            add(MarkKind::Fault, text);
        }
    }
}

fn faults(last: &Snapshot, now: &Snapshot, add: &mut impl FnMut(MarkKind, String)) {
    if now.counter_check.mismatch_count > last.counter_check.mismatch_count {
        add(MarkKind::Fault, "counters do not balance: the log has the figures".into());
    }
    if now.clock.step_count > last.clock.step_count {
        let millis = now.clock.last_step_millis;
        add(MarkKind::Fault, format!("the system's clock was set by {millis} ms"));
    }
    for (port, was, is) in
        [("rpc", &last.rpc.tls, &now.rpc.tls), ("admin", &last.admin_tls, &now.admin_tls)]
    {
        let (Some(was), Some(is)) = (was, is) else { continue };
        certificates(port, was, is, add);
    }
}

fn certificates(port: &str, was: &TlsStats, is: &TlsStats, add: &mut impl FnMut(MarkKind, String)) {
    if is.generation > was.generation {
        add(MarkKind::State, format!("{port} port: new certificates are in use"));
    }
    if is.failed_reloads > was.failed_reloads {
        add(MarkKind::Fault, format!("{port} port: changed certificate files were refused"));
    }
}
