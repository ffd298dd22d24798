//! The times that answers show: those of records, whatever they are.

use serde_json::Value;

use crate::command::{answer_when_ready, run, serve, text};
use crate::stream::{event, now_ms};
use crate::support::broker::{self, Broker, Message, on_each_broker};
use crate::support::service::{Service, assert_counters_add_up};

on_each_broker!(the_newest_record_time_is_a_timestamp_whatever_a_life_counts_from,);

async fn the_newest_record_time_is_a_timestamp_whatever_a_life_counts_from(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &["tables.0.ttl_from=@arrival"]).await;
    let made = now_ms() - 1_800_000;
    topic.produce(&[Message { timestamp_ms: Some(made), ..event("a", "text") }]);
    let stats = service.wait_until_polled(1).await;

    let answer = service.try_get("services", "a").await.unwrap();
    let newest = answer.as_of.unwrap().newest_record_time.unwrap();
    assert_eq!(newest.seconds, made / 1_000, "the life counts from the arrival");
    assert_eq!(stats.tables[0].newest_record_time, Some(newest));
    assert_counters_add_up(&stats);
    service.stop().await;
}

/// An answer as proto3 JSON.
fn json(endpoint: &str, words: &[&str]) -> Value {
    let answer = run(&[words, &["--endpoint", endpoint, "--output", "json"]].concat());
    assert_eq!(answer.status.code(), Some(0), "{answer:?}");
    serde_json::from_str(&text(&answer.stdout)).unwrap()
}

#[test]
fn no_time_of_a_record_breaks_a_client_that_reads_json() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let (_running, endpoint) = serve(broker, &topic);
        answer_when_ready(&endpoint);
        let at = |message| Message { timestamp_ms: Some(i64::MAX), ..message };
        topic.produce(&[at(event("a", "text"))]);
        topic.produce(&[at(Message { payload: Some("{".into()), ..event("b", "") })]);
        let rejected = || json(&endpoint, &["rejections"])["rejections"][0].clone();
        while rejected().is_null() {
            std::thread::yield_now();
        }

        let beyond = "9999-12-31T23:59:59.999999999Z";
        assert_eq!(rejected()["recordTime"], beyond);
        let found = json(&endpoint, &["get", "services", "a"]);
        assert_eq!(found["result"]["entry"]["origin"]["recordTime"], beyond);
        assert!(found["result"]["entry"]["expireTime"].as_str().is_some_and(|time| time < beyond));
        let described = json(&endpoint, &["describe", "services", "a"]);
        assert_eq!(described["entry"]["origin"]["recordTime"], beyond);
        assert!(json(&endpoint, &["stats"])["tables"][0]["newestRecordTime"].is_string());
        let shown = text(&run(&["describe", "services", "a", "--endpoint", &endpoint]).stdout);
        assert!(shown.contains(beyond), "{shown}");
    });
}
