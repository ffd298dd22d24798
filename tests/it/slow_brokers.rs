//! A broker that answers late, or not at all, delays nothing but its own partitions.
//!
//! A single thread reads all partitions, so a thread that waits for a broker would be noticed.

use std::collections::BTreeMap;
use std::time::Duration;

use millpond::proto::v1::GetStatsResponse;
use millpond_client::health::health_check_response::ServingStatus;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::metadata::MetadataTopic;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tokio::time::timeout;

use crate::start::{cluster, health};
use crate::stream::event;
use crate::support::broker::{self, Broker, Message, Topic};
use crate::support::proxy::Proxy;
use crate::support::service::{PATIENCE, Service, polled, table};

/// A service with one poll thread, which reads `slow` into `services` and `other` into `others`.
async fn service(broker: &Broker, slow: &Topic, other: &Topic, settings: &[&str]) -> Service {
    let mut all = table(0, "services", &slow.name);
    all.extend(table(1, "others", &other.name));
    all.extend(["ingest.start=earliest", "ingest.threads=1"].map(String::from));
    all.extend(settings.iter().map(ToString::to_string));
    Service::start_with(&broker.bootstrap(), &all).await
}

fn on_two_brokers(behaviour: impl AsyncFnOnce(&Broker)) {
    let broker = Broker::InProcess(MockCluster::new(2).unwrap());
    broker::block_on(behaviour(&broker));
}

/// A topic whose partitions are led by these brokers.
async fn led_by(broker: &Broker, leaders: &[i32]) -> Topic {
    let topic = broker.create_topic(leaders.len().try_into().unwrap()).await;
    for (partition, &leader) in (0..).zip(leaders) {
        cluster(broker).partition_leader(&topic.name, partition, Some(leader)).unwrap();
    }
    topic
}

fn on(partition: i32, id: &str) -> Message {
    Message { partition: Some(partition), ..event(id, "text") }
}

fn is_listed(stats: &GetStatsResponse, topic: &Topic, partition: i32) -> bool {
    let mut all = stats.partitions.iter();
    all.any(|each| each.topic == topic.name && each.partition == partition)
}

/// A producer to partition 0 of a topic. After its first record it sends no other requests to
/// brokers.
struct Writer {
    producer: BaseProducer,
    topic: String,
}

impl Writer {
    fn of(broker: &Broker, topic: &Topic) -> Self {
        let mut settings = ClientConfig::new();
        let producer = settings.set("bootstrap.servers", broker.bootstrap()).create().unwrap();
        let writer = Self { producer, topic: topic.name.clone() };
        writer.write("first");
        writer
    }

    fn write(&self, id: &str) {
        let message = on(0, id);
        let (key, payload) = (message.key.unwrap(), message.payload.unwrap());
        let record = BaseRecord::to(&self.topic).partition(0).key(&key).payload(&payload);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.flush(PATIENCE).unwrap();
    }

    /// Writes this many records, each after the service has read the one before.
    async fn write_and_follow(&self, service: &Service, records: u64) -> GetStatsResponse {
        let mut stats = service.stats().await;
        for n in 0..records {
            let before = polled(&stats);
            self.write(&format!("followed-{n}"));
            stats = service.wait_until_polled(before + 1).await;
        }
        stats
    }
}

#[test]
fn a_leader_that_is_down_delays_only_its_own_partitions() {
    on_two_brokers(async |broker| {
        let (half, other) = (led_by(broker, &[1, 2]).await, led_by(broker, &[1]).await);
        half.produce(&[on(0, "a"), on(1, "b")]);
        let writer = Writer::of(broker, &other);
        cluster(broker).broker_down(2).unwrap();
        let service = service(broker, &half, &other, &[]).await;
        service.wait_until_polled(2).await;
        let stats = writer.write_and_follow(&service, 20).await;

        assert!(is_listed(&stats, &half, 0), "the other partition of the same topic is read");
        assert!(!is_listed(&stats, &half, 1), "its leader is down");
        assert_eq!(service.description("a").await.as_deref(), Some("text"));
        let serving = health(&service, "millpond.table/others").await;
        assert_eq!(serving, ServingStatus::Serving);
        let serving = health(&service, "millpond.table/services").await;
        assert_eq!(serving, ServingStatus::NotServing);

        cluster(broker).broker_up(2).unwrap();
        service.wait_until_ready().await;
        assert_eq!(service.description("b").await.as_deref(), Some("text"));
        service.stop().await;
    });
}

/// The settings of a table for each topic, so small that many fit.
fn tables(topics: &[Topic]) -> Vec<String> {
    let table = |(index, topic): (usize, &Topic)| {
        let capacity = format!("tables.{index}.capacity=2MiB");
        table(index, &format!("t{index}"), &topic.name).into_iter().chain([capacity])
    };
    topics.iter().enumerate().flat_map(table).collect()
}

/// Writes a record to each of the four partitions of each topic.
fn write_to_each_partition(broker: &Broker, topics: &[Topic]) {
    let mut settings = ClientConfig::new();
    let producer: BaseProducer =
        settings.set("bootstrap.servers", broker.bootstrap()).create().unwrap();
    for topic in topics {
        for partition in 0..4 {
            let payload = on(partition, "a").payload.unwrap();
            let record = BaseRecord::<[u8], _>::to(&topic.name);
            let record = record.partition(partition).payload(&payload);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
    }
    producer.flush(PATIENCE).unwrap();
}

/// Whether each table is ready.
fn are_ready(stats: &GetStatsResponse) -> Vec<bool> {
    let tables = stats.tables.iter();
    tables.map(|table| table.as_of.as_ref().is_some_and(|as_of| as_of.ready)).collect()
}

/// How many of the four partitions of each topic this broker leads.
fn led_by_broker(broker: &Broker, id: i32) -> BTreeMap<String, usize> {
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", broker.bootstrap()).create().unwrap();
    let metadata = client.fetch_metadata(None, PATIENCE).unwrap();
    let count = |topic: &MetadataTopic| {
        let led = topic.partitions().iter().filter(|partition| partition.leader() == id);
        (topic.name().to_owned(), led.count())
    };
    metadata.topics().iter().map(count).collect()
}

#[test]
fn a_hundred_topics_are_read_though_one_leader_of_three_is_down() {
    let broker = Broker::InProcess(MockCluster::new(3).unwrap());
    broker::block_on(async {
        let mut topics = Vec::new();
        for _ in 0..100 {
            topics.push(broker.create_topic(4).await);
        }
        write_to_each_partition(&broker, &topics);
        let led = led_by_broker(&broker, 3);
        let unreachable: usize = led.values().sum();
        assert!((1..400).contains(&unreachable), "broker 3 leads {unreachable} partitions");
        cluster(&broker).broker_down(3).unwrap();
        let mut settings = tables(&topics);
        settings.push("ingest.start=earliest".into());
        let service = Service::start_with(&broker.bootstrap(), &settings).await;
        let others = 400 - u64::try_from(unreachable).unwrap();
        service.wait_for("all other records", |stats| polled(stats) == others).await;
        let expected: Vec<_> = topics.iter().map(|topic| led[&topic.name] == 0).collect();
        service.wait_for("the other tables", |stats| are_ready(stats) == expected).await;

        cluster(&broker).broker_up(3).unwrap();
        service.wait_until_ready().await;
        service.stop().await;
    });
}

#[test]
fn a_stop_waits_for_no_broker() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let proxy = Proxy::start(broker, &[&topic.name]).await;
        proxy.withhold(&topic.name);
        let service =
            Service::start_with(proxy.bootstrap(), &table(0, "services", &topic.name)).await;
        proxy.wait_until_withheld(&topic.name).await;
        service.stop().await;
        assert!(proxy.is_awaited(&topic.name), "the stop waited until the question was given up");
    });
}

#[test]
fn a_broker_that_answers_late_does_not_delay_records_of_another() {
    on_two_brokers(async |broker| {
        let (slow, other) = (led_by(broker, &[2]).await, led_by(broker, &[1]).await);
        // The service keeps asking both brokers: for the partitions of topics, and for the ends of
        // idle partitions.
        let settings = ["ingest.metadata_refresh=100ms", "ingest.stall_timeout=1s"];
        let service = service(broker, &slow, &other, &settings).await;
        service.wait_until_ready().await;
        let writer = Writer::of(broker, &other);
        service.wait_until_polled(1).await;
        cluster(broker).broker_round_trip_time(2, Duration::from_secs(5)).unwrap();
        // A thread that waits for each answer would take minutes.
        let followed = timeout(PATIENCE, writer.write_and_follow(&service, 30)).await;

        assert_eq!(polled(&followed.expect("each record is read soon")), 31);
        cluster(broker).broker_round_trip_time(2, Duration::ZERO).unwrap();
        slow.produce(&[on(0, "a")]);
        service.wait_until_polled(32).await;
        service.stop().await;
    });
}
