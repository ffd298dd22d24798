//! What the log and the detail of readiness tell of Kafka and of the tables.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Instant;

use millpond::proto::v1::GetStatsResponse;
use millpond_acceptance::served::Served;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::admin_api::get_json;
use crate::start::cluster;
use crate::stream::event;
use crate::support::broker::{self, Broker, Message, Topic, block_on, on_each_broker};
use crate::support::caller::Caller;
use crate::support::kafka;
use crate::support::service::{PATIENCE, Service, table, with_basics};

on_each_broker!(
    a_table_that_is_ready_says_so_once_with_what_it_was_given,
    a_table_that_takes_nothing_says_why,
);

/// `millpond serve` as a process, and the folder of its log.
pub(crate) fn serve(bootstrap: &str, settings: &[String]) -> (Served, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = vec![OsString::from(env!("CARGO_BIN_EXE_millpond"))];
    let all = with_basics(bootstrap, settings);
    let served = Served::start(program, &all, folder.path().join("log")).unwrap();
    (served, folder)
}

fn lines(served: &Served, message: &str) -> Vec<Value> {
    let lines = served.log_lines().unwrap();
    lines.into_iter().filter(|line| line["message"] == message).collect()
}

/// Waits until the log has a line with this message.
pub(crate) async fn wait_for_line(served: &Served, message: &str) -> Value {
    let start = Instant::now();
    loop {
        if let Some(line) = lines(served, message).pop() {
            return line;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {message:?} in the log");
        tokio::task::yield_now().await;
    }
}

fn caller(served: &Served) -> Caller {
    Caller::of(served.rpc().parse().unwrap())
}

pub(crate) fn broken() -> Message {
    Message { payload: Some("{".into()), ..event("broken", "") }
}

async fn a_table_that_is_ready_says_so_once_with_what_it_was_given(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    topic.produce(&[event("a", "x"), event("a", "y"), event("b", "x"), broken(), broken()]);
    let mut settings = table(0, "services", &topic.name);
    settings.push("ingest.start=earliest".into());
    let (mut served, _folder) = serve(&broker.bootstrap(), &settings);
    let line = wait_for_line(&served, "the table is ready").await;
    for (field, value) in [("entries", 2), ("records", 5), ("rejected", 2), ("filtered", 0)] {
        assert_eq!(line[field], value, "{field}: {line}");
    }
    assert_eq!(line["rejected_mostly_for"], "invalid_json");
    served.stop().unwrap();
    assert_eq!(lines(&served, "the table is ready").len(), 1);
}

async fn a_table_that_takes_nothing_says_why(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &[]).await;
    topic.produce(&vec![broken(); 3]);
    let note = "table services takes nothing: 3 rejected, mostly for invalid_json";
    wait_for_detail(service.admin, &format!("ready\ntable services: ready\n{note}\n")).await;
    topic.produce(&[event("a", "x")]);
    wait_for_detail(service.admin, "ready\ntable services: ready\n").await;
    service.stop().await;
}

#[test]
fn a_table_that_is_full_says_so_once_in_the_log_and_in_its_history() {
    const FULL: &str = "the table is full: entries are evicted for newer ones";
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let (mut served, _folder) = serve(&broker.bootstrap(), &table(0, "services", &topic.name));
        wait_for_line(&served, "the table is ready").await;
        assert_eq!(lines(&served, FULL).len(), 0);
        // Twice the capacity, in parts that the broker's memory holds.
        let text = "x".repeat(500 << 10);
        let fill = |part: usize| {
            let keys = (0..22).map(|n| format!("key-{part}-{n}"));
            topic.produce(&keys.map(|key| event(&key, &text)).collect::<Vec<_>>());
        };
        (0..3).for_each(fill);
        let line = wait_for_line(&served, FULL).await;
        assert_eq!(line["table"], "services");
        (3..6).for_each(fill);
        let admin: SocketAddr = served.admin().parse().unwrap();
        let is_marked = async || {
            let past = get_json(admin, "/api/history").await;
            past["marks"].to_string().matches("services is full").count() == 1
        };
        let start = Instant::now();
        while !is_marked().await {
            assert!(start.elapsed() < PATIENCE, "the history has no such mark");
            tokio::task::yield_now().await;
        }
        served.stop().unwrap();
        assert_eq!(lines(&served, FULL).len(), 1);
    });
}

#[test]
fn a_dead_letter_topic_that_takes_nothing_says_so() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        let dead = "tables.0.dead_letter=nobody-made-this-topic";
        let service = Service::ready(broker, &topic, &[dead]).await;
        topic.produce(&[broken(), event("a", "x")]);
        let note = "dead-letter topic nobody-made-this-topic takes no records: ";
        let detail = wait_for_detail(service.admin, note).await;
        assert!(detail.starts_with("ready\n"), "{detail}");
        service.stop().await;
    });
}

#[test]
fn readiness_says_what_a_table_waits_for() {
    broker::in_process(async |broker| {
        let settings = table(0, "services", "nobody-made-this-topic");
        let service = Service::start_with(&broker.bootstrap(), &settings).await;
        let note = "topic nobody-made-this-topic: it does not exist";
        let detail = wait_for_detail(service.admin, note).await;
        assert!(detail.starts_with("loading\n"), "{detail}");
        service.stop().await;
    });
}

#[test]
fn a_group_that_is_never_joined_is_not_complained_about() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", "x")]);
        let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
        cluster(broker).request_errors(RDKafkaApiKey::FindCoordinator, &[refusal; 1_000]);
        let mut settings = table(0, "services", &topic.name);
        settings.push("ingest.start=earliest".into());
        let (mut served, _folder) = serve(&broker.bootstrap(), &settings);
        wait_for_line(&served, "the table is ready").await;
        served.stop().unwrap();
        let all = served.log_lines().unwrap();
        let warnings: Vec<_> = all.iter().filter(|line| line["level"] == "WARN").collect();
        assert!(warnings.is_empty(), "{warnings:#?}");
    });
}

#[test]
fn an_outage_is_told_with_its_reason_and_is_over_when_kafka_is_back() {
    let test = "an_outage_is_told_with_its_reason_and_is_over_when_kafka_is_back";
    let Some(mut node) = kafka::require_own(test) else { return };
    block_on(async {
        let broker = Broker::Real(node.bootstrap().to_owned());
        let topic: Topic = broker.create_topic(1).await;
        let (mut served, _folder) = serve(node.bootstrap(), &table(0, "services", &topic.name));
        let caller = caller(&served);
        // From then on a connection that is closed is not taken for one that the broker refuses.
        let has_named = |stats: &GetStatsResponse| {
            stats.ready
                && stats.kafka.iter().flat_map(|kafka| &kafka.brokers).any(|it| it.id.is_some())
        };
        caller.wait_for("the brokers' names", has_named).await;
        let is_out = |stats: &GetStatsResponse| {
            stats.kafka.as_ref().is_some_and(|kafka| kafka.outage_start_time.is_some())
        };
        node.kill().unwrap();
        caller.wait_for("the outage", is_out).await;
        let line = wait_for_line(&served, "a connection to kafka fails").await;
        assert!(line["reason"].as_str().unwrap().contains("Connection refused"), "{line}");
        // It is not over while statistics come that were made before it or during it.
        let before = lines(&served, "kafka answers again");
        assert!(before.is_empty(), "{before:?}");

        let down = Instant::now();
        node.restart().unwrap();
        let away = down.elapsed().as_secs();
        caller.wait_for("the end of the outage", |stats| !is_out(stats)).await;
        let line = wait_for_line(&served, "kafka answers again").await;
        assert!(line["after_seconds"].as_u64().unwrap() >= away, "{line}, at least {away}");
        served.stop().unwrap();
        assert_eq!(lines(&served, "kafka answers again").len(), 1);
        assert_eq!(lines(&served, "a connection to kafka fails").len(), 1);
    });
}

/// Waits until the detail of readiness contains this text, or is it if it is whole lines.
async fn wait_for_detail(admin: SocketAddr, expected: &str) -> String {
    let start = Instant::now();
    loop {
        let detail = detail(admin).await;
        let is_there =
            if expected.ends_with('\n') { detail == expected } else { detail.contains(expected) };
        if is_there {
            return detail;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {expected:?}: {detail}");
        tokio::task::yield_now().await;
    }
}

async fn detail(admin: SocketAddr) -> String {
    let mut stream = TcpStream::connect(admin).await.unwrap();
    let request = "GET /readyz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    body.to_owned()
}
