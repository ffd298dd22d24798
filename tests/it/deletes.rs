//! Which entry is deleted: the keys of tombstones and of records that delete, as connectors write
//! them, and what a rejected record does to the entry that it would have replaced.

use millpond::proto::v1::{MissReason, RecordOutcome, RejectReason};
use serde_json::json;

use crate::stream::event;
use crate::support::broker::{Broker, Message, Topic, on_each_broker};
use crate::support::service::{Service, assert_counters_add_up, outcome, rejected, table};

on_each_broker!(
    the_changes_of_a_row_are_followed_from_its_creation_to_its_end,
    a_table_of_record_keys_stores_and_deletes_by_a_part_of_them,
    a_tombstone_whose_record_key_is_no_key_of_the_table_is_rejected_with_the_reason,
    a_rejected_record_keeps_or_removes_the_entry_that_is_out_of_date,
);

/// A table with these keys, and with these other settings.
async fn service(broker: &Broker, topic: &Topic, keys: &[&str], settings: &[&str]) -> Service {
    let mut all = table(0, "services", &topic.name);
    all.retain(|setting| !setting.starts_with("tables.0.key="));
    let place = |(at, key)| format!("tables.0.key.first_of.{at}={key}");
    all.extend(keys.iter().enumerate().map(place));
    all.extend(settings.iter().map(ToString::to_string));
    let service = Service::start_with(&broker.bootstrap(), &all).await;
    service.wait_until_ready().await;
    service
}

fn record(key: impl Into<Vec<u8>>, payload: Option<&serde_json::Value>) -> Message {
    let payload = payload.map(|payload| payload.to_string().into_bytes());
    Message { key: Some(key.into()), payload, ..Message::default() }
}

/// Debezium's envelope and key, with schemas or without.
fn change(
    has_schema: bool,
    id: u64,
    before: &serde_json::Value,
    after: &serde_json::Value,
) -> Message {
    let envelope = |payload: serde_json::Value| {
        if has_schema {
            json!({ "schema": { "type": "struct" }, "payload": payload })
        } else {
            payload
        }
    };
    let key = envelope(json!({ "id": id })).to_string();
    record(key, Some(&envelope(json!({ "before": before, "after": after, "op": "?" }))))
}

async fn the_changes_of_a_row_are_followed_from_its_creation_to_its_end(broker: &Broker) {
    for (has_schema, prefix) in [(false, ""), (true, "/payload")] {
        let topic = broker.create_topic(1).await;
        let keys = ["/after/id", "/before/id"].map(|place| format!("{prefix}{place}"));
        let keys = [&*keys[0], &*keys[1], &format!("@key{prefix}/id")];
        let field = format!("tables.0.fields.description={prefix}/after/name");
        let deletes = format!("tables.0.delete_when.{prefix}/after.is=null");
        let service = service(broker, &topic, &keys, &[&field, &deletes]).await;
        let row = |id: u64, name: &str| json!({ "id": id, "name": name });
        let none = serde_json::Value::Null;
        let change = |id, before: &_, after: &_| change(has_schema, id, before, after);
        let tombstone = |id| Message { payload: None, ..change(id, &none, &none) };
        topic.produce(&[
            change(1, &none, &row(1, "created")),
            change(1, &row(1, "created"), &row(1, "updated")),
            change(2, &none, &row(2, "created")),
            change(2, &row(2, "created"), &none),
            tombstone(2),
            change(3, &none, &row(3, "compacted")),
            tombstone(3),
        ]);
        let stats = service.wait_until_polled(7).await;

        assert_eq!(service.description("1").await.as_deref(), Some("updated"));
        assert_eq!(service.miss("2").await, MissReason::Deleted);
        assert_eq!(service.miss("3").await, MissReason::Deleted);
        assert_eq!(outcome(&stats, RecordOutcome::Rejected), 0);
        assert_counters_add_up(&stats);
        service.stop().await;
    }
}

async fn a_table_of_record_keys_stores_and_deletes_by_a_part_of_them(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = service(broker, &topic, &["@key/payload/id"], &[]).await;
    let key = |id: &str| format!(r#"{{"schema":{{"type":"struct"}},"payload":{{"id":{id}}}}}"#);
    let document = json!({ "description": "text" });
    topic.produce(&[
        record(key("1"), Some(&document)),
        record(key("2"), Some(&document)),
        record(key("2.0"), None),
    ]);
    let stats = service.wait_until_polled(3).await;

    assert_eq!(service.description("1").await.as_deref(), Some("text"));
    assert_eq!(service.miss("2").await, MissReason::Deleted);
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn a_tombstone_whose_record_key_is_no_key_of_the_table_is_rejected_with_the_reason(
    broker: &Broker,
) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &[]).await;
    topic.produce(&[
        event("1", "kept"),
        event("quoted", "deleted"),
        record(r#"{"id":1}"#, None),
        record(1_i64.to_be_bytes(), None),
        record(200_i64.to_be_bytes(), None),
        record(*b"\0\0\0\0\x2a\x02", None),
        record(*b"\xff1", None),
        record("\"quoted\"", None),
    ]);
    let stats = service.wait_until_polled(8).await;

    assert_eq!(service.description("1").await.as_deref(), Some("kept"));
    assert_eq!(service.miss("quoted").await, MissReason::Deleted);
    assert_eq!(rejected(&stats, RejectReason::StructuredKey), 1);
    assert_eq!(rejected(&stats, RejectReason::BinaryKey), 3);
    assert_eq!(rejected(&stats, RejectReason::InvalidUtf8), 1);
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn a_rejected_record_keeps_or_removes_the_entry_that_is_out_of_date(broker: &Broker) {
    for (setting, is_kept) in [("keep", true), ("remove", false)] {
        let topic = broker.create_topic(1).await;
        let setting = format!("tables.0.on_reject={setting}");
        let service = service(broker, &topic, &["@key"], &[&setting]).await;
        let bad = Message { payload: Some(b"{".to_vec()), ..event("a", "") };
        topic.produce(&[event("a", "older"), event("b", "other"), bad]);
        let stats = service.wait_until_polled(3).await;

        assert_eq!(service.description("b").await.as_deref(), Some("other"));
        if is_kept {
            assert_eq!(service.description("a").await.as_deref(), Some("older"));
        } else {
            assert_eq!(service.miss("a").await, MissReason::Deleted);
        }
        assert_eq!(rejected(&stats, RejectReason::InvalidJson), 1);
        assert_counters_add_up(&stats);
        service.stop().await;
    }
}
