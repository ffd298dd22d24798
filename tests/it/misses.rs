//! The reason of a miss, with the time or the record that caused it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use millpond::proto::v1::{
    Miss, MissReason, PartitionOffset, RemovalCause, lookup_result::Outcome,
};

use crate::stream::{event, now_ms};
use crate::support::broker::{Broker, Message, on_each_broker};
use crate::support::service::{PATIENCE, Service, assert_counters_add_up};

on_each_broker!(
    a_miss_of_a_deleted_key_names_the_record_that_deleted_it,
    a_miss_of_an_expired_key_names_the_time_of_expiry,
    a_miss_of_an_evicted_key_says_so_while_its_ghost_entry_lasts,
);

async fn miss(service: &Service, key: &str) -> Miss {
    match service.try_get("services", key).await.unwrap().result.unwrap().outcome.unwrap() {
        Outcome::Miss(miss) => miss,
        Outcome::Entry(entry) => panic!("there is {entry:?}"),
    }
}

async fn a_miss_of_a_deleted_key_names_the_record_that_deleted_it(broker: &Broker) {
    let topic = broker.create_topic(3).await;
    let service = Service::ready(broker, &topic, &["tables.0.capacity=1MiB"]).await;
    let tombstone = |key: &str| Message { key: Some(key.into()), ..Message::default() };
    let too_large = event("large", &"x".repeat(100_000));
    let records =
        [event("a", "text"), tombstone("a"), tombstone("b"), too_large, event("c", "text")];
    let places = topic.produce(&records);
    service.wait_until_polled(5).await;

    for (key, place) in [("a", places[1]), ("b", places[2]), ("large", places[3])] {
        let (partition, offset) = place;
        let miss = miss(&service, key).await;
        assert_eq!(miss.reason(), MissReason::Deleted, "{key}");
        assert_eq!(miss.deleted_by, Some(PartitionOffset { partition, offset }), "{key}");
    }
    assert_eq!(miss(&service, "nobody").await.reason(), MissReason::NeverSeen);
    topic.produce(&[event("a", "back")]);
    service.wait_until_polled(6).await;
    assert_eq!(service.description("a").await.as_deref(), Some("back"));
    service.stop().await;
}

async fn a_miss_of_an_expired_key_names_the_time_of_expiry(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &["tables.0.ttl=2s"]).await;
    let made = now_ms();
    let at = |time| move |message| Message { timestamp_ms: Some(time), ..message };
    let dead = made - 3_600_000;
    topic.produce(&[at(made)(event("a", "text")), at(dead)(event("dead", "text"))]);
    service.wait_until_polled(2).await;

    let start = Instant::now();
    while service.entry("a").await.is_some() {
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Right after its expiry, before a sweep.
    assert_expired_at(&miss(&service, "a").await, made + 2_000);
    assert_expired_at(&miss(&service, "dead").await, dead + 2_000);
    service.wait_for("the sweep", |stats| stats.tables[0].entry_count == 0).await;
    assert_expired_at(&miss(&service, "a").await, made + 2_000);
    assert_counters_add_up(&service.stats().await);
    service.stop().await;
}

fn assert_expired_at(miss: &Miss, time_ms: i64) {
    assert_eq!(miss.reason(), MissReason::Expired);
    let time = miss.time.expect("a time");
    assert_eq!(time.seconds * 1_000 + i64::from(time.nanos) / 1_000_000, time_ms);
}

async fn a_miss_of_an_evicted_key_says_so_while_its_ghost_entry_lasts(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let service = Service::ready(broker, &topic, &["tables.0.capacity=1MiB"]).await;
    let keys: Vec<_> = (0..8_000).map(|n| format!("key-{n}")).collect();
    topic.produce(&keys.iter().map(|key| event(key, "text")).collect::<Vec<_>>());
    let stats = service.wait_until_polled(8_000).await;

    let mut reasons = BTreeMap::<_, usize>::new();
    for key in &keys {
        let answer = service.try_get("services", key).await.unwrap();
        if let Some(Outcome::Miss(miss)) = answer.result.unwrap().outcome {
            assert_eq!(miss.time.is_some(), miss.reason() == MissReason::Evicted);
            *reasons.entry(miss.reason().as_str_name()).or_default() += 1;
        }
    }
    let evicted =
        |removal: &&millpond::proto::v1::RemovalCount| removal.cause() == RemovalCause::Evicted;
    let evicted = stats.tables[0].removals.iter().find(evicted).unwrap().count;
    assert!(evicted > 4_000, "{evicted}");
    assert!(reasons["MISS_REASON_EVICTED"] > 300, "{reasons:?}");
    let others =
        reasons.keys().filter(|name| !name.ends_with("EVICTED") && !name.ends_with("UNKNOWN"));
    assert_eq!(others.count(), 0, "{reasons:?}");
    service.stop().await;
}
