//! Bad input: every bad record is counted, the stream goes on, and no good record is lost.

use millpond::proto::v1::{RecordOutcome, RejectReason};

use crate::stream::event;
use crate::support::broker::{Broker, Message, on_each_broker};
use crate::support::service::{Service, assert_counters_add_up, outcome, rejected};

on_each_broker!(
    bad_input_is_counted_by_reason_and_the_stream_goes_on,
    odd_keys_are_stored_like_any_other,
    what_no_table_takes_of_a_payload_loses_no_record,
);

fn payload(bytes: impl Into<Vec<u8>>) -> Message {
    Message { key: Some("k".into()), payload: Some(bytes.into()), ..Message::default() }
}

/// Bad records, each with the reason that it is counted under.
fn poison(oversized_bytes: usize) -> Vec<(RejectReason, Message)> {
    let padded = |bytes: usize| format!(r#"{{"id":"k","noise":"{}"}}"#, "x".repeat(bytes));
    let long_key = format!(r#"{{"id":"{}"}}"#, "k".repeat(1 << 20));
    vec![
        (RejectReason::InvalidJson, payload("neither JSON nor anything else")),
        (RejectReason::InvalidJson, payload(r#"{"id": "k", "descri"#)),
        (RejectReason::InvalidJson, payload(r#"{"id": "k"} and more"#)),
        (RejectReason::InvalidJson, payload("[".repeat(100_000))),
        (RejectReason::InvalidUtf8, payload(b"{\"id\": \"k\xff\"}".to_vec())),
        (RejectReason::DocumentTooLarge, payload(padded(oversized_bytes))),
        (RejectReason::EmptyPayload, payload("")),
        (RejectReason::MissingKey, payload(r#"{"name": "no id"}"#)),
        (RejectReason::MissingKey, payload(r#"{"id": null}"#)),
        (RejectReason::MissingKey, payload("[1, 2, 3]")),
        (RejectReason::MissingKey, Message::default()),
        (RejectReason::InvalidKeyType, payload(r#"{"id": {"deep": 1}}"#)),
        (RejectReason::EmptyKey, payload(r#"{"id": ""}"#)),
        (RejectReason::KeyTooLong, payload(long_key)),
    ]
}

async fn bad_input_is_counted_by_reason_and_the_stream_goes_on(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let settings = ["ingest.max_document=2MiB"];
    let service = Service::ready(broker, &topic, &settings).await;
    let poison = poison(match broker {
        // The in-process broker keeps 5 MiB of a partition and silently drops the rest.
        Broker::InProcess(_) => 3_000_000,
        Broker::Real(_) => 10_000_000,
    });
    let mut messages = vec![event("good", "before")];
    messages.extend(poison.iter().map(|(_, message)| message.clone()));
    messages.push(event("better", "after"));
    topic.produce(&messages);
    let stats = service.wait_until_polled(messages.len() as u64).await;

    assert_eq!(service.description("good").await.as_deref(), Some("before"));
    assert_eq!(service.description("better").await.as_deref(), Some("after"));
    assert_eq!(outcome(&stats, RecordOutcome::Rejected).cast_unsigned(), poison.len() as u64);
    for (reason, _) in &poison {
        let expected = poison.iter().filter(|(other, _)| other == reason).count() as u64;
        assert_eq!(rejected(&stats, *reason).cast_unsigned(), expected, "{reason:?}");
    }
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn odd_keys_are_stored_like_any_other(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &[]).await;
    let deep = format!(
        r#"{{"id":"deep","description":"still","noise":{}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let twice = r#"{"id":"first","description":"x","id":"last","description":"y"}"#;
    let messages = [event("nul \0 and \u{1f980}", "odd"), payload(deep), payload(twice)];
    topic.produce(&messages);
    service.wait_until_polled(3).await;

    assert_eq!(service.description("nul \0 and \u{1f980}").await.as_deref(), Some("odd"));
    assert_eq!(service.description("deep").await.as_deref(), Some("still"));
    assert_eq!(service.description("last").await.as_deref(), Some("y"));
    assert_eq!(service.entry("first").await, None);
    service.stop().await;
}

async fn what_no_table_takes_of_a_payload_loses_no_record(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &[]).await;
    let odd = |id: &str, odd: &str| {
        payload(format!(r#"{{"id":"{id}","description":"kept","odd":{odd}}}"#))
    };
    topic.produce(&[
        odd("number", "[1e999,-1e400]"),
        odd("half", r#""\ud83d""#),
        odd("name", r#"{"\udc00":1}"#),
        odd("wrong", "1.e999"),
    ]);
    let stats = service.wait_until_polled(4).await;
    for id in ["number", "half", "name"] {
        assert_eq!(service.description(id).await.as_deref(), Some("kept"), "{id}");
    }
    assert_eq!(rejected(&stats, RejectReason::InvalidJson), 1);
    service.stop().await;

    let topic = broker.create_topic(1).await;
    let of_key = ["tables.0.key=@key", "tables.0.fields.description=@key"];
    let settings = [of_key[0], of_key[1], "ingest.max_document=1KiB"];
    let service = Service::ready(broker, &topic, &settings).await;
    topic.produce(&[payload("no JSON at all ".repeat(1_000))]);
    service.wait_until_polled(1).await;
    assert_eq!(service.description("k").await.as_deref(), Some("k"));
    service.stop().await;
}
