//! `millpond check --connect`: the brokers, the topics, and what would become of the last records.

use std::net::TcpListener;
use std::process::Output;

use millpond_acceptance::kafka::SecureKafka;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use serde_json::Value;

use crate::command::{run, settings, text};
use crate::start::cluster;
use crate::stream::{event, now_ms};
use crate::support::broker::{self, Broker, Message, on_each_broker};
use crate::support::kafka;
use crate::support::service::{table, with_basics};

on_each_broker!(
    it_shows_what_would_become_of_the_last_records,
    a_topic_that_does_not_exist_is_named_with_exit_78,
);

fn check(bootstrap: &str, tables: &[String], arguments: &[&str]) -> Output {
    let settings = settings(&with_basics(bootstrap, tables));
    let mut all = vec!["check", "--connect"];
    all.extend(arguments);
    all.extend(settings.iter().map(String::as_str));
    run(&all)
}

async fn it_shows_what_would_become_of_the_last_records(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let two_hours_old = Some(now_ms() - 7_200_000);
    topic.produce(&[
        event("a", "first"),
        Message { timestamp_ms: two_hours_old, ..event("b", "old") },
        Message { payload: Some("{".into()), ..event("c", "") },
        Message { payload: None, ..event("a", "") },
    ]);
    let tables = table(0, "services", &topic.name);
    let checked = check(&broker.bootstrap(), &tables, &["--output", "json"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(report["brokers"].as_array().unwrap().len(), 1);
    let found = &report["topics"][0];
    assert_eq!((&found["log"]["partitions"], &found["log"]["offsets"]), (&2.into(), &4.into()));
    let sample = |outcome: &str| {
        let samples = found["samples"].as_array().unwrap();
        let same = samples.iter().find(|sample| sample["outcome"] == outcome);
        same.unwrap_or_else(|| panic!("no record is {outcome}: {samples:#?}"))
    };
    let stored = &sample("stored")["entry"];
    assert_eq!((&stored["key"], &stored["fields"]["description"]), (&"a".into(), &"first".into()));
    assert_eq!(sample("rejected")["reason"], "invalid_json");
    assert!(sample("expired")["entry"].is_null() && sample("deleted")["entry"].is_null());
    assert_eq!(sample("deleted")["deletedKey"], "a");

    let shown = text(&check(&broker.bootstrap(), &tables, &["--records", "3"]).stdout);
    assert!(shown.contains("the last 3 records") && shown.contains("together: "), "{shown}");
}

async fn a_topic_that_does_not_exist_is_named_with_exit_78(broker: &Broker) {
    let tables = table(0, "services", "nobody-made-this-topic");
    let checked = check(&broker.bootstrap(), &tables, &[]);
    assert_eq!(checked.status.code(), Some(78), "{checked:?}");
    let expected =
        "topic nobody-made-this-topic, for table services\n  CANNOT BE READ: it does not";
    assert!(text(&checked.stdout).contains(expected), "{checked:?}");
}

#[test]
fn a_topic_that_the_user_may_not_see_is_named_with_the_permission_that_is_missing() {
    let test = "a_topic_that_the_user_may_not_see_is_named_with_the_permission_that_is_missing";
    let Some(kafka) = kafka::require_secure(test) else { return };
    broker::block_on(async {
        let broker = Broker::Real(kafka.address("PLAINTEXT"));
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", "x")]);
        let mut settings = table(0, "services", &topic.name);
        settings.extend([
            "kafka.properties.security.protocol=SASL_PLAINTEXT".to_owned(),
            "kafka.properties.sasl.mechanism=PLAIN".to_owned(),
            format!("kafka.properties.sasl.username={}", SecureKafka::STRANGER),
            format!("kafka.properties.sasl.password={}", SecureKafka::PASSWORD),
        ]);
        let checked = check(&kafka.address("SASL"), &settings, &[]);
        assert_eq!(checked.status.code(), Some(78), "{checked:?}");
        let shown = text(&checked.stdout);
        assert!(shown.contains("CANNOT BE READ: ") && shown.contains("Describe"), "{checked:?}");
    });
}

#[test]
fn a_topic_that_the_user_may_see_and_not_read_is_named_with_the_permission_that_is_missing() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", "x")]);
        let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        cluster(broker).request_errors(RDKafkaApiKey::Fetch, &[refusal; 100]);
        let checked = check(&broker.bootstrap(), &table(0, "services", &topic.name), &[]);
        assert_eq!(checked.status.code(), Some(78), "{checked:?}");
        let shown = text(&checked.stdout);
        assert!(shown.contains("CANNOT BE READ: ") && shown.contains("Read"), "{shown}");
    });
}

#[test]
fn a_dead_letter_topic_that_does_not_exist_is_named() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let mut tables = table(0, "services", &topic.name);
        tables.push("kafka.dead_letter=nobody-made-this-topic".into());
        let checked = check(&broker.bootstrap(), &tables, &[]);
        assert_eq!(checked.status.code(), Some(78), "{checked:?}");
        let expected = "dead-letter topic nobody-made-this-topic: it does not exist";
        assert!(text(&checked.stdout).contains(expected), "{checked:?}");
    });
}

#[test]
fn brokers_that_cannot_be_reached_are_exit_69_with_the_reason_and_the_setting() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let checked = check(&gone.to_string(), &table(0, "services", "events"), &[]);
    assert_eq!(checked.status.code(), Some(69), "{checked:?}");
    let said = text(&checked.stderr);
    assert!(said.contains("Connection refused") && said.contains("kafka.brokers"), "{said}");
}
