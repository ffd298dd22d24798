//! The effect of records on a table, with either broker.

use millpond::proto::v1::{MissReason, RecordOutcome, RejectReason, RemovalCause, value::Kind};
use serde_json::json;

use crate::support::broker::{Broker, Message, on_each_broker};
use crate::support::caller::is_hit;
use crate::support::service::{Service, assert_counters_add_up, outcome, polled, rejected, table};

on_each_broker!(
    every_kind_of_value_is_plucked_and_answered,
    the_later_record_of_a_key_wins,
    records_that_come_together_are_applied_in_their_order,
    a_tombstone_deletes_the_entry_of_its_key,
    keys_and_fields_come_from_headers_and_record_keys_too,
    one_topic_can_feed_two_tables,
    two_topics_feed_two_tables,
    a_full_table_holds_the_newest_keys_and_stays_within_its_capacity,
);

/// A record with the key `id` in its document and as its record key.
pub(crate) fn event(id: &str, description: &str) -> Message {
    let document = json!({ "id": id, "description": description, "noise": [1, 2, { "a": null }] });
    Message {
        key: Some(id.into()),
        payload: Some(document.to_string().into_bytes()),
        ..Message::default()
    }
}

const DEEP_FIELDS: [&str; 9] = [
    "tables.0.fields.text=/deep/text",
    "tables.0.fields.int=/deep/int",
    "tables.0.fields.uint=/deep/uint",
    "tables.0.fields.double=/deep/double",
    "tables.0.fields.yes=/deep/yes",
    "tables.0.fields.null=/deep/null",
    "tables.0.fields.list=/deep/list",
    "tables.0.fields.wide=/deep/wide",
    "tables.0.fields.absent=/deep/absent",
];

async fn every_kind_of_value_is_plucked_and_answered(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let service = Service::ready(broker, &topic, &DEEP_FIELDS).await;

    let document = br#"{"deep": {"text": "a \"quoted\" \u2603", "int": -9223372036854775808,
        "uint": 18446744073709551615, "double": 0.1, "yes": true, "null": null,
        "list": [1.50, {"a": [1e999]}], "wide": 18446744073709551616}, "id": 7, "x": "\ud800"}"#;
    let message = Message {
        partition: Some(1),
        payload: Some(document.to_vec()),
        timestamp_ms: Some(now_ms()),
        ..Message::default()
    };
    topic.produce(std::slice::from_ref(&message));
    let stats = service.wait_until_polled(1).await;

    let entry = service.entry("7").await.expect("the entry");
    let mut kinds: Vec<_> =
        entry.fields.into_iter().map(|(name, value)| (name, value.kind.unwrap())).collect();
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("double", Kind::DoubleValue(0.1)),
        ("int", Kind::IntValue(i64::MIN)),
        ("list", Kind::JsonValue(r#"[1.50,{"a":[1e999]}]"#.into())),
        ("null", Kind::NullValue(0)),
        ("text", Kind::StringValue("a \"quoted\" \u{2603}".into())),
        ("uint", Kind::UintValue(u64::MAX)),
        ("wide", Kind::NumberText("18446744073709551616".into())),
        ("yes", Kind::BoolValue(true)),
    ];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));

    let origin = entry.origin.unwrap();
    assert_eq!((origin.partition, origin.offset), (1, 0));
    let (record, expiry) = (origin.record_time.unwrap(), entry.expire_time.unwrap());
    assert_eq!(record.seconds, message.timestamp_ms.unwrap() / 1_000);
    assert_eq!(expiry.seconds - record.seconds, 3_600);
    assert_eq!(stats.tables[0].newest_record_time, Some(record));
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn the_later_record_of_a_key_wins(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let service = Service::ready(broker, &topic, &[]).await;
    topic.produce(&[event("a", "first"), event("b", "other"), event("a", "second")]);
    let stats = service.wait_until_polled(3).await;

    assert_eq!(service.description("a").await.as_deref(), Some("second"));
    assert_eq!(service.description("b").await.as_deref(), Some("other"));
    assert_eq!(outcome(&stats, RecordOutcome::Stored), 2);
    assert_eq!(outcome(&stats, RecordOutcome::Replaced), 1);
    assert_counters_add_up(&stats);
    let lags: Vec<_> = stats.partitions.iter().map(|partition| partition.lag_records).collect();
    assert_eq!(lags, [0, 0]);
    service.stop().await;
}

async fn records_that_come_together_are_applied_in_their_order(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let large = "x".repeat(20_000);
    let tombstone = |key: &str| Message { key: Some(key.into()), ..Message::default() };
    let cut_off = Message { payload: Some(b"{".to_vec()), ..Message::default() };
    let round = |n: usize| {
        [
            event("a", &format!("a{n}")),
            tombstone("b"),
            event("large", &large),
            cut_off.clone(),
            event("b", &format!("b{n}")),
            event("c", "text"),
            tombstone("c"),
        ]
    };
    topic.produce(&(0..20).flat_map(round).collect::<Vec<_>>());
    // The in-process broker finds no offset for a time.
    let service = Service::ready(broker, &topic, &["ingest.start=earliest"]).await;
    let stats = service.wait_until_polled(140).await;

    assert_eq!(service.description("a").await.as_deref(), Some("a19"));
    assert_eq!(service.description("b").await.as_deref(), Some("b19"));
    assert_eq!(service.description("large").await.as_deref(), Some(&*large));
    assert_eq!(service.miss("c").await, MissReason::Deleted);
    assert_eq!(outcome(&stats, RecordOutcome::Stored), 20 + 20 + 2);
    assert_eq!(outcome(&stats, RecordOutcome::Replaced), 2 * 19);
    assert_eq!(outcome(&stats, RecordOutcome::Deleted), 19 + 20);
    assert_eq!(rejected(&stats, RejectReason::InvalidJson), 20);
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn a_tombstone_deletes_the_entry_of_its_key(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &[]).await;
    let tombstone = Message { key: Some("a".into()), ..Message::default() };
    topic.produce(&[event("a", "first"), event("b", "other"), tombstone]);
    let stats = service.wait_until_polled(3).await;

    assert_eq!(service.miss("a").await, MissReason::Deleted);
    assert_eq!(service.description("b").await.as_deref(), Some("other"));
    assert_eq!(outcome(&stats, RecordOutcome::Deleted), 1);
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn keys_and_fields_come_from_headers_and_record_keys_too(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let settings = ["tables.0.key=@header/service", "tables.0.fields.owner=@key"];
    let service = Service::ready(broker, &topic, &settings).await;
    let header = |value: &str| ("service".to_owned(), Some(value.as_bytes().to_vec()));
    let message = Message {
        headers: vec![header("overwritten"), header("mill")],
        ..event("harbour", "grinds")
    };
    topic.produce(&[message]);
    service.wait_until_polled(1).await;

    let entry = service.entry("mill").await.expect("the last header of the name counts");
    assert_eq!(entry.fields["owner"].kind, Some(Kind::StringValue("harbour".into())));
    service.stop().await;
}

async fn one_topic_can_feed_two_tables(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let mut settings = table(0, "services", &topic.name);
    settings.extend(table(1, "by-description", &topic.name));
    settings.push("tables.1.key=/description".into());
    let service = Service::start_with(&broker.bootstrap(), &settings).await;
    service.wait_until_ready().await;
    topic.produce(&[event("a", "first")]);
    let stats = service.wait_until_polled(2).await;

    let by_description = service.try_get("by-description", "first").await.unwrap();
    assert!(is_hit(&by_description));
    assert_eq!(service.description("a").await.as_deref(), Some("first"));
    assert_eq!(stats.tables.iter().map(|table| table.entry_count).collect::<Vec<_>>(), [1, 1]);
    service.stop().await;
}

async fn two_topics_feed_two_tables(broker: &Broker) {
    let (ours, theirs) = (broker.create_topic(3).await, broker.create_topic(2).await);
    let before = |id: &str| vec![event(id, "before"); 50];
    ours.produce(&before("a"));
    theirs.produce(&before("b"));
    let mut settings = table(0, "services", &ours.name);
    settings.extend(table(1, "others", &theirs.name));
    settings.push("ingest.start=earliest".into());
    let service = Service::start_with(&broker.bootstrap(), &settings).await;
    service.wait_until_ready().await;
    ours.produce(&[event("a", "after")]);
    theirs.produce(&[event("b", "after")]);
    let stats = service.wait_until_polled(102).await;

    assert_eq!(service.description("a").await.as_deref(), Some("after"));
    assert_eq!(service.entry("b").await, None, "it is in the other table");
    let other = service.try_get("others", "b").await.unwrap();
    assert!(is_hit(&other));
    assert_eq!(stats.partitions.len(), 5);
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn a_full_table_holds_the_newest_keys_and_stays_within_its_capacity(broker: &Broker) {
    const RECORDS: usize = 20_000;
    let topic = broker.create_topic(1).await;
    let settings = ["tables.0.capacity=512KiB"];
    let service = Service::ready(broker, &topic, &settings).await;
    let events: Vec<_> = (0..RECORDS).map(|n| event(&format!("key-{n}"), "text")).collect();
    topic.produce(&events);
    let within = service.wait_for("records", |stats| {
        assert!(stats.tables[0].weight_bytes <= stats.tables[0].capacity_bytes);
        polled(stats) == RECORDS as u64
    });
    let stats = within.await;

    let newest = (RECORDS - 200..RECORDS).map(|n| format!("key-{n}")).collect();
    let answer = service.try_batch("services", newest).await.unwrap();
    let found = answer.results.iter().filter(|result| {
        matches!(result.outcome, Some(millpond::proto::v1::lookup_result::Outcome::Entry(_)))
    });
    assert_eq!(found.count(), 200);
    let evicted =
        |removal: &&millpond::proto::v1::RemovalCount| removal.cause() == RemovalCause::Evicted;
    assert!(stats.tables[0].removals.iter().find(evicted).unwrap().count > 15_000);
    assert_counters_add_up(&stats);
    service.stop().await;
}

pub(crate) fn now_ms() -> i64 {
    millpond::record::Timestamp::now().as_millis()
}
