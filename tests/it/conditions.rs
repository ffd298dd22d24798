//! Which records a table takes, which delete from it, and from when their life counts.

use std::time::{Duration, SystemTime};

use millpond::proto::v1::{MissReason, RecordOutcome, RejectReason};
use serde_json::json;

use crate::start::TWO_HOURS_MS;
use crate::stream::{event, now_ms};
use crate::support::broker::{Broker, Message, on_each_broker};
use crate::support::service::{Service, assert_books_balance, outcome, rejected};

on_each_broker!(
    records_are_filtered_and_delete_as_configured,
    a_life_counts_from_a_time_in_the_record,
    a_life_counts_from_arrival_whatever_the_record_says,
);

fn document(document: &serde_json::Value) -> Message {
    Message { payload: Some(document.to_string().into_bytes()), ..Message::default() }
}

async fn records_are_filtered_and_delete_as_configured(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let settings = [
        "tables.0.only_when./kind=service",
        "tables.0.only_when./version=2",
        "tables.0.delete_when./deleted=true",
    ];
    let service = Service::ready(broker, &topic, &settings).await;
    topic.produce(&[
        document(&json!({ "kind": "service", "version": 2, "id": "a", "description": "kept" })),
        document(&json!({ "kind": "host", "version": 2, "id": "a", "description": "other" })),
        document(&json!({ "kind": "service", "version": "2", "id": "a" })),
        document(&json!({ "kind": "service", "version": 2, "id": "b", "description": "gone" })),
        document(&json!({ "kind": "service", "version": 2, "id": "b", "deleted": true })),
        document(&json!({ "kind": "service", "version": 2, "deleted": true })),
    ]);
    let stats = service.wait_until_polled(6).await;

    assert_eq!(service.description("a").await.as_deref(), Some("kept"));
    assert_eq!(service.entry("b").await, None);
    for (expected, count) in [
        (RecordOutcome::Stored, 2),
        (RecordOutcome::Filtered, 2),
        (RecordOutcome::Deleted, 1),
        (RecordOutcome::Rejected, 1),
    ] {
        assert_eq!(outcome(&stats, expected), count, "{expected:?}");
    }
    assert_books_balance(&stats);
    service.stop().await;
}

async fn a_life_counts_from_a_time_in_the_record(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &["tables.0.ttl_from=/at"]).await;
    let now = now_ms();
    let of = |id: &str, at: serde_json::Value| document(&json!({ "id": id, "at": at }));
    topic.produce(&[
        of("young", (now - 60_000).into()),
        of("over", (now - TWO_HOURS_MS).into()),
        of("ahead", (now + TWO_HOURS_MS).into()),
        of("none", serde_json::Value::Null),
        of("odd", "yesterday".into()),
        of("written", rfc3339(now - 60_000).into()),
        of("written long ago", "2001-02-03T04:05:06+07:00".into()),
    ]);
    let stats = service.wait_until_polled(7).await;

    for id in ["young", "written"] {
        let expiry = service.entry(id).await.unwrap().expire_time.unwrap();
        assert_eq!(expiry.seconds, (now - 60_000) / 1_000 + 3_600, "{id}");
    }
    let expiry = service.entry("ahead").await.unwrap().expire_time.unwrap();
    assert!(expiry.seconds * 1_000 <= now_ms() + 3_600_000, "the future counts as now");
    assert_eq!(service.miss("over").await, MissReason::Expired);
    assert_eq!(outcome(&stats, RecordOutcome::ExpiredOnArrival), 2);
    assert_eq!(rejected(&stats, RejectReason::MissingTime), 1);
    assert_eq!(rejected(&stats, RejectReason::InvalidTime), 1);
    assert_books_balance(&stats);
    service.stop().await;
}

/// As RFC 3339 writes it.
fn rfc3339(millis: i64) -> String {
    let since = Duration::from_millis(millis.unsigned_abs());
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since).to_string()
}

async fn a_life_counts_from_arrival_whatever_the_record_says(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let old = Message { timestamp_ms: Some(now_ms() - TWO_HOURS_MS), ..event("a", "old") };
    topic.produce(&[old]);
    let service = Service::start(broker, &topic, &["tables.0.ttl_from=@arrival"]).await;
    let stats = service.wait_for("readiness", |stats| stats.ready).await;

    assert_eq!(service.description("a").await.as_deref(), Some("old"), "read from the first");
    assert_eq!(outcome(&stats, RecordOutcome::Stored), 1);
    assert_books_balance(&stats);
    service.stop().await;
}
