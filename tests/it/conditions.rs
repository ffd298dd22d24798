//! Conditions and time sources: which records a table stores or deletes by, and when the time to
//! live starts.

use std::time::{Duration, SystemTime};

use millpond::proto::v1::{MissReason, RecordOutcome, RejectReason};
use serde_json::json;

use crate::start::TWO_HOURS_MS;
use crate::stream::{event, now_ms};
use crate::support::broker::{Broker, Message, on_each_broker};
use crate::support::service::{Service, assert_counters_add_up, outcome, rejected};

on_each_broker!(
    records_are_filtered_and_delete_as_configured,
    the_time_to_live_can_count_from_a_time_in_the_record,
    the_time_to_live_can_count_from_arrival,
    a_time_of_another_unit_is_rejected_and_not_alive_for_ever,
    a_record_can_say_how_long_it_lives,
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
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn the_time_to_live_can_count_from_a_time_in_the_record(broker: &Broker) {
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
    assert_counters_add_up(&stats);
    service.stop().await;
}

/// The time in RFC 3339 format.
fn rfc3339(millis: i64) -> String {
    let since = Duration::from_millis(millis.unsigned_abs());
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since).to_string()
}

async fn the_time_to_live_can_count_from_arrival(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let old = Message { timestamp_ms: Some(now_ms() - TWO_HOURS_MS), ..event("a", "old") };
    topic.produce(&[old]);
    let service = Service::start(broker, &topic, &["tables.0.ttl_from=@arrival"]).await;
    let stats = service.wait_for("readiness", |stats| stats.ready).await;

    assert_eq!(service.description("a").await.as_deref(), Some("old"), "read from the first");
    assert_eq!(outcome(&stats, RecordOutcome::Stored), 1);
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn a_time_of_another_unit_is_rejected_and_not_alive_for_ever(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let settings = ["tables.0.ttl_from=/at", "tables.0.time_unit=s"];
    let service = Service::ready(broker, &topic, &settings).await;
    let seconds = now_ms() / 1_000 - 60;
    let of = |id: &str, at: serde_json::Value| document(&json!({ "id": id, "at": at }));
    topic.produce(&[
        of("seconds", seconds.into()),
        of("milliseconds", (seconds * 1_000).into()),
        of("nanoseconds", (seconds * 1_000_000_000).into()),
        of("zero", 0.into()),
        of("text", format!("{seconds}.5").into()),
    ]);
    let stats = service.wait_until_polled(5).await;

    for id in ["seconds", "text"] {
        let expiry = service.entry(id).await.unwrap().expire_time.unwrap();
        assert_eq!(expiry.seconds, seconds + 3_600, "{id}");
    }
    assert_eq!(rejected(&stats, RejectReason::ImplausibleTime), 3);
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn a_record_can_say_how_long_it_lives(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let old = now_ms() - TWO_HOURS_MS;
    let of = |id: &str, ttl: serde_json::Value| Message {
        timestamp_ms: Some(old),
        ..document(&json!({ "id": id, "ttl": ttl, "description": id }))
    };
    topic.produce(&[
        of("for a day", 86_400.into()),
        of("for three hours", "3h".into()),
        of("as the table says", serde_json::Value::Null),
        of("odd", 0.into()),
    ]);
    // The start reads records that are older than the table's own time to live.
    let service = Service::start(broker, &topic, &["tables.0.ttl_field=/ttl"]).await;
    service.wait_until_ready().await;
    let stats = service.wait_until_polled(4).await;

    for (id, seconds) in [("for a day", 86_400), ("for three hours", 3 * 3_600)] {
        let expiry = service.entry(id).await.unwrap().expire_time.unwrap();
        assert_eq!(expiry.seconds, old / 1_000 + seconds, "{id}");
    }
    assert_eq!(service.miss("as the table says").await, MissReason::Expired);
    assert_eq!(rejected(&stats, RejectReason::InvalidTtl), 1);
    assert_counters_add_up(&stats);
    service.stop().await;
}
