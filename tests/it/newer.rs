//! Which of two records of a key is newer, end to end: over partitions, restarts and versions.

use millpond::proto::v1::{MissReason, RecordOutcome, RejectReason};
use serde_json::json;

use crate::stream::{event, now_ms};
use crate::support::broker::{self, Broker, Message, on_each_broker};
use crate::support::service::{Service, assert_counters_add_up, outcome, rejected};

on_each_broker!(
    the_newest_record_wins_in_whatever_order_partitions_are_read,
    a_table_with_versions_keeps_the_highest_in_one_partition_too,
    a_tombstone_of_a_key_without_an_entry_is_counted_apart,
);

/// How many records stand before the older record, so that it is read last.
const RECORDS_BEFORE: usize = 5_000;

/// A record in a partition, at a time.
fn at(partition: i32, timestamp_ms: i64, message: Message) -> Message {
    Message { partition: Some(partition), timestamp_ms: Some(timestamp_ms), ..message }
}

fn tombstone(key: &str) -> Message {
    Message { key: Some(key.into()), ..Message::default() }
}

async fn the_newest_record_wins_in_whatever_order_partitions_are_read(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let then = now_ms() - 60_000;
    let before = (0..RECORDS_BEFORE).map(|n| at(0, then, event(&format!("n{n}"), "text")));
    let older = [event("svc-1", "old"), event("svc-2", "text"), event("svc-3", "text")];
    topic.produce(&before.chain(older.map(|each| at(0, then + 1, each))).collect::<Vec<_>>());
    let newer = [event("svc-1", "new"), tombstone("svc-3")];
    topic.produce(&newer.map(|each| at(1, then + 2, each)));

    for _start in 0..2 {
        // The in-process broker finds no offset for a time.
        let settings = ["tables.0.store=compact", "ingest.start=earliest"];
        let service = Service::ready(broker, &topic, &settings).await;
        let all = u64::try_from(RECORDS_BEFORE + 5).unwrap();
        let stats = service.wait_until_polled(all).await;
        assert_eq!(service.description("svc-1").await.as_deref(), Some("new"));
        assert_eq!(service.description("svc-2").await.as_deref(), Some("text"));
        assert_eq!(service.miss("svc-3").await, MissReason::Deleted);
        assert_counters_add_up(&stats);
        service.stop().await;
    }
}

async fn a_table_with_versions_keeps_the_highest_in_one_partition_too(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let versioned = |text: &str, seq: serde_json::Value| {
        let document = json!({ "id": "a", "description": text, "seq": seq });
        Message { payload: Some(document.to_string().into()), ..Message::default() }
    };
    let service = Service::ready(broker, &topic, &["tables.0.version=/seq"]).await;
    topic.produce(&[
        versioned("seven", json!(7)),
        versioned("six", json!(6)),
        versioned("nine", json!("9")),
        versioned("eight", json!(8)),
        versioned("none", json!(null)),
        versioned("odd", json!([9])),
    ]);
    let stats = service.wait_until_polled(6).await;
    assert_eq!(service.description("a").await.as_deref(), Some("nine"));
    assert_eq!(outcome(&stats, RecordOutcome::Superseded), 2);
    assert_eq!(rejected(&stats, RejectReason::MissingVersion), 1);
    assert_eq!(rejected(&stats, RejectReason::InvalidVersion), 1);
    assert_counters_add_up(&stats);

    topic.produce(&[tombstone("a"), versioned("eight", json!(8)), versioned("ten", json!(10))]);
    let stats = service.wait_until_polled(9).await;
    assert_eq!(service.description("a").await.as_deref(), Some("ten"));
    assert_eq!(outcome(&stats, RecordOutcome::Superseded), 3);
    service.stop().await;
}

async fn a_tombstone_of_a_key_without_an_entry_is_counted_apart(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &[]).await;
    topic.produce(&[event("a", "text"), tombstone("a"), tombstone("a"), tombstone("b")]);
    let stats = service.wait_until_polled(4).await;
    assert_eq!(outcome(&stats, RecordOutcome::Deleted), 1);
    assert_eq!(outcome(&stats, RecordOutcome::DeletedNothing), 2);
    assert_counters_add_up(&stats);
    service.stop().await;
}

/// On a real broker: the in-process broker cannot add partitions.
#[test]
fn keys_that_move_when_partitions_are_added_are_never_stale_after_a_start() {
    broker::real(keys_move);
}

async fn keys_move(broker: &Broker) {
    const KEYS: usize = 400;
    let topic = broker.create_topic(1).await;
    let all = |text: &str| (0..KEYS).map(|n| event(&n.to_string(), text)).collect::<Vec<_>>();
    topic.produce(&all("old"));
    topic.grow(6).await;
    let places = topic.produce(&all("new"));
    assert!(places.iter().any(|(partition, _)| *partition > 0), "no key has moved");

    let service = Service::ready(broker, &topic, &[]).await;
    let stats = service.wait_until_polled(2 * KEYS as u64).await;
    for n in 0..KEYS {
        assert_eq!(service.description(&n.to_string()).await.as_deref(), Some("new"), "key {n}");
    }
    assert_counters_add_up(&stats);
    service.stop().await;
}
