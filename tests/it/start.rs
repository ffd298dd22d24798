//! The start of a service: the offsets it reads from, when it is ready, and what it waits for.

use std::time::{Duration, Instant};

use millpond::proto::v1::{GetStatsResponse, MissReason, RecordOutcome};
use millpond_client::health::HealthCheckRequest;
use millpond_client::health::health_check_response::ServingStatus;
use millpond_client::health::health_client::HealthClient;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stream::{event, now_ms};
use crate::support::broker::{self, Broker, Message, Topic, on_each_broker};
use crate::support::service::{
    PATIENCE, Service, assert_counters_add_up, outcome, polled, table, with_basics,
};
use crate::topic_changes::open_transaction;

pub(crate) const TWO_HOURS_MS: i64 = 2 * 3_600_000;

on_each_broker!(
    a_service_is_ready_when_its_backlog_is_read,
    a_record_that_expired_on_arrival_removes_the_entry_of_its_key,
    a_missing_topic_delays_only_its_own_table,
);

async fn a_service_is_ready_when_its_backlog_is_read(broker: &Broker) {
    let topic = broker.create_topic(4).await;
    topic.produce(&(0..5_000).map(|n| event(&n.to_string(), "text")).collect::<Vec<_>>());
    let service = Service::start(broker, &topic, &["ingest.start=earliest"]).await;
    let stats = service.wait_for("readiness", |stats| stats.ready).await;

    assert_eq!(polled(&stats), 5_000);
    assert_eq!(stats.tables[0].entry_count, 5_000);
    assert_eq!(health(&service, "").await, ServingStatus::Serving);
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn a_record_that_expired_on_arrival_removes_the_entry_of_its_key(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &[]).await;
    let old = Message { timestamp_ms: Some(now_ms() - TWO_HOURS_MS), ..event("a", "old") };
    let ahead = Message { timestamp_ms: Some(now_ms() + TWO_HOURS_MS), ..event("b", "ahead") };
    topic.produce(&[event("a", "new"), old, ahead]);
    let stats = service.wait_until_polled(3).await;

    assert_eq!(service.entry("a").await, None);
    assert_eq!(outcome(&stats, RecordOutcome::ExpiredOnArrival), 1);
    let expiry = service.entry("b").await.unwrap().expire_time.unwrap();
    assert!(expiry.seconds * 1_000 <= now_ms() + 3_600_000, "the future counts as now");
    assert_counters_add_up(&stats);
    service.stop().await;
}

async fn a_missing_topic_delays_only_its_own_table(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let mut settings = table(0, "services", &topic.name);
    settings.extend(table(1, "others", "nobody-made-this-topic"));
    let service = Service::start_with(&broker.bootstrap(), &settings).await;
    service.wait_for("the partition", |stats| !stats.partitions.is_empty()).await;
    topic.produce(&[event("a", "first")]);
    service.wait_until_polled(1).await;

    let answer = service.try_get("services", "a").await.unwrap();
    assert!(answer.as_of.unwrap().ready);
    let other = service.try_get("others", "a").await.unwrap();
    assert!(!other.as_of.unwrap().ready);
    assert_eq!(service.miss("b").await, MissReason::NeverSeen);
    assert_eq!(health(&service, "").await, ServingStatus::NotServing);
    service.stop().await;
}

#[test]
fn while_the_broker_is_down_the_service_is_live_but_not_ready() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        topic.produce(&[event("a", "first")]);
        cluster(broker).broker_down(1).unwrap();
        let service = Service::start(broker, &topic, &["ingest.start=earliest"]).await;

        assert_eq!(health(&service, "millpond.live").await, ServingStatus::Serving);
        assert_eq!(health(&service, "").await, ServingStatus::NotServing);
        assert_eq!(probe(&service, "/livez").await, 200);
        assert_eq!(probe(&service, "/readyz").await, 503);
        assert_eq!(service.miss("a").await, MissReason::Loading);

        cluster(broker).broker_up(1).unwrap();
        service.wait_until_ready().await;
        assert_eq!(service.description("a").await.as_deref(), Some("first"));
        assert_eq!(probe(&service, "/readyz").await, 200);
        service.stop().await;
    });
}

#[test]
fn an_outage_ends_neither_answers_nor_readiness() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        let service = Service::ready(broker, &topic, &[]).await;
        topic.produce(&[event("a", "before")]);
        service.wait_until_polled(1).await;

        cluster(broker).broker_down(1).unwrap();
        wait_until_down(broker);
        assert_eq!(service.description("a").await.as_deref(), Some("before"));
        assert_eq!(health(&service, "").await, ServingStatus::Serving);
        assert_eq!(health(&service, "millpond.live").await, ServingStatus::Serving);

        cluster(broker).broker_up(1).unwrap();
        topic.produce(&[event("a", "after")]);
        service.wait_until_polled(2).await;
        assert_eq!(service.description("a").await.as_deref(), Some("after"));
        service.stop().await;
    });
}

#[test]
fn reading_starts_at_the_first_record_that_can_be_alive() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        let old = Message { timestamp_ms: Some(now_ms() - TWO_HOURS_MS), ..event("old", "x") };
        topic.produce(&vec![old; 100]);
        let young = Message { timestamp_ms: Some(now_ms() - 60_000), ..event("young", "y") };
        topic.produce(&vec![young; 50]);
        let service = Service::start(broker, &topic, &[]).await;
        let stats = service.wait_for("readiness", |stats| stats.ready).await;

        assert_eq!(polled(&stats), 50, "the two hours old cannot be alive with a TTL of one");
        assert_eq!(stats.partitions[0].position, 150);
        assert_eq!(service.description("young").await.as_deref(), Some("y"));
        service.stop().await;
    });
}

#[test]
fn a_topic_with_only_expired_records_is_caught_up_and_new_records_are_read() {
    broker::real(async |broker| {
        let topic = broker.create_topic(3).await;
        let old = Message { timestamp_ms: Some(now_ms() - TWO_HOURS_MS), ..event("old", "x") };
        topic.produce(&vec![old; 10]);
        let service = Service::ready(broker, &topic, &[]).await;
        topic.produce(&[event("a", "next")]);
        let stats = service.wait_until_polled(1).await;

        assert_eq!(polled(&stats), 1);
        assert_eq!(service.description("a").await.as_deref(), Some("next"));
        service.stop().await;
    });
}

#[test]
fn records_without_a_time_are_read_at_a_start_as_they_are_when_they_come() {
    broker::real(async |broker| {
        let topic = broker.create_topic(2).await;
        let without_time = |partition, id: &str| Message {
            partition: Some(partition),
            timestamp_ms: Some(-1),
            ..event(id, "text")
        };
        let old = Message { timestamp_ms: Some(now_ms() - TWO_HOURS_MS), ..without_time(1, "old") };
        topic.produce(&[without_time(0, "a"), without_time(0, "b")]);
        topic.produce(&[old, without_time(1, "among the old")]);
        let service = Service::ready(broker, &topic, &[]).await;
        topic.produce(&[without_time(0, "c")]);
        let stats = service.wait_until_polled(3).await;

        assert_eq!(polled(&stats), 3);
        for id in ["a", "b", "c"] {
            assert_eq!(service.description(id).await.as_deref(), Some("text"), "{id}");
        }
        assert_eq!(service.entry("among the old").await, None, "it counts as one of them");
        service.stop().await;
    });
}

#[test]
fn a_table_is_ready_when_the_open_transaction_before_its_end_has_ended() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", "before")]);
        let open = open_transaction(broker, &topic);
        topic.produce(&[event("b", "behind")]);
        let service = Service::start(broker, &topic, &[]).await;
        let held_up = |stats: &GetStatsResponse| {
            assert!(!stats.ready, "{stats:?}");
            stats.partitions.iter().any(|each| each.open_transaction_offset == Some(1))
        };
        let stats = service.wait_for("the open transaction", held_up).await;
        assert_eq!((polled(&stats), stats.partitions[0].position), (1, 1));
        assert_eq!(stats.partitions[0].high_watermark, 3);
        assert_eq!(service.miss("b").await, MissReason::Loading, "it is committed");
        while !http(&service, "/readyz").await.contains("transaction at offset 1 of partition 0") {
            tokio::task::yield_now().await;
        }

        open.abort_transaction(PATIENCE).unwrap();
        let stats = service.wait_for("readiness", |stats| stats.ready).await;
        assert_eq!(stats.partitions[0].open_transaction_offset, None);
        assert_eq!(service.description("b").await.as_deref(), Some("behind"));
        service.stop().await;
    });
}

#[test]
fn a_backlog_that_ends_in_a_transaction_is_caught_up() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        transaction(broker, &topic, "kept", true);
        transaction(broker, &topic, "never", false);
        let service = Service::start(broker, &topic, &[]).await;
        let stats = service.wait_for("readiness", |stats| stats.ready).await;

        assert_eq!(service.description("kept").await.as_deref(), Some("text"));
        assert_eq!(service.entry("never").await, None, "it was aborted");
        assert_eq!(polled(&stats), 1);
        assert_eq!(stats.partitions[0].lag_records, 0, "the markers are no lag");
        service.stop().await;
    });
}

#[test]
fn a_setting_that_librdkafka_refuses_is_found_at_the_start() {
    let mut settings = table(0, "services", "events");
    settings.push("kafka.properties.compression.typo=zstd".into());
    let settings = with_basics("localhost:9092", &settings);
    let config = millpond::config::Config::load(None, [], &settings).unwrap();
    let error = millpond::app::check(&config).unwrap_err().to_string();
    assert!(error.contains("compression.typo"), "{error}");
}

pub(crate) fn cluster(
    broker: &Broker,
) -> &rdkafka::mocking::MockCluster<'static, rdkafka::producer::DefaultProducerContext> {
    match broker {
        Broker::InProcess(cluster) => cluster,
        Broker::Real(_) => panic!("only an in-process broker can be told to be down"),
    }
}

/// Waits until clients of this broker get no more answers.
fn wait_until_down(broker: &Broker) {
    let client: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", broker.bootstrap()).create().unwrap();
    let answers = || client.client().fetch_metadata(None, Duration::from_millis(200)).is_ok();
    let start = Instant::now();
    while answers() {
        assert!(start.elapsed() < PATIENCE, "the broker is still up");
    }
}

fn transaction(broker: &Broker, topic: &Topic, id: &str, commit: bool) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("transactional.id", format!("{}-{id}", topic.name))
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    let message = event(id, "text");
    let (key, payload) = (message.key.unwrap(), message.payload.unwrap());
    producer
        .send(BaseRecord::to(&topic.name).key(&key).payload(&payload))
        .map_err(|e| e.0)
        .unwrap();
    producer.flush(PATIENCE).unwrap();
    if commit {
        producer.commit_transaction(PATIENCE).unwrap();
    } else {
        producer.abort_transaction(PATIENCE).unwrap();
    }
}

pub(crate) async fn health(service: &Service, name: &str) -> ServingStatus {
    let mut client = HealthClient::new(service.channel());
    let request = HealthCheckRequest { service: name.into() };
    client.check(request).await.unwrap().into_inner().status()
}

/// The status of an HTTP answer of the admin server.
async fn probe(service: &Service, path: &str) -> u16 {
    http(service, path).await.split(' ').nth(1).unwrap().parse().unwrap()
}

/// An HTTP answer of the admin server.
async fn http(service: &Service, path: &str) -> String {
    let mut stream = TcpStream::connect(service.admin).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(60), read).await.unwrap().unwrap();
    answer
}
