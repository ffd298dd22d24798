//! Idle partitions delay neither writes to other partitions nor the start of another topic.
//!
//! The service asks the broker for the ends of idle partitions, and for the offsets at which a
//! topic starts. These tests withhold the answer and count the writes that are read meanwhile.
//! They measure no time. A poll thread that waited for the answer would read one write, and then
//! ask again.

use std::time::Instant;

use millpond::proto::v1::GetStatsResponse;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::own_writes::get_after;
use crate::stream::event;
use crate::support::broker::{Broker, Message, Topic, on_each_broker};
use crate::support::proxy::Proxy;
use crate::support::service::{PATIENCE, Service, polled, table};

on_each_broker!(idle_partitions_do_not_delay_the_others, a_topic_starts_beside_an_idle_one,);

const PARTITIONS: i32 = 64;
/// Records that are written one after the other while one offset request waits for its answer.
const WRITES: usize = 10;

async fn idle_partitions_do_not_delay_the_others(broker: &Broker) {
    let topic = broker.create_topic(PARTITIONS).await;
    let proxy = Proxy::start(broker, &[&topic.name]).await;
    let service = start(&proxy, &[("services", &topic.name)]).await;
    service.wait_until_ready().await;

    proxy.withhold(&topic.name);
    proxy.wait_until_withheld(&topic.name).await;
    assert_eq!(proxy.withheld(&topic.name), 1, "one request is about all partitions");
    read_while_an_offset_request_waits(&service, &proxy, &topic, &mut Writer::new(broker, &topic))
        .await;
    service.stop().await;
}

async fn a_topic_starts_beside_an_idle_one(broker: &Broker) {
    let first = broker.create_topic(PARTITIONS).await;
    let second = broker.create_topic(PARTITIONS).await;
    let proxy = Proxy::start(broker, &[&first.name, &second.name]).await;
    proxy.withhold(&second.name);
    let tables = [("services", &*first.name), ("others", &*second.name)];
    let service = start(&proxy, &tables).await;
    let first_alone = |stats: &GetStatsResponse| stats.partitions.len() == 64;
    service.wait_for("the first topic", first_alone).await;
    proxy.wait_until_withheld(&second.name).await;

    let mut writer = Writer::new(broker, &first);
    read_while_an_offset_request_waits(&service, &proxy, &second, &mut writer).await;
    let stats = service.stats().await;
    assert!(first_alone(&stats) && !stats.ready, "the second topic has not started");

    // From here on the first topic is idle, and no offset request about it is answered.
    proxy.withhold(&first.name);
    proxy.wait_until_withheld(&first.name).await;
    proxy.release(&second.name);
    service.wait_until_ready().await;
    second.produce(&one_for_each_partition());
    let records = writer.written + 64;
    let stats = service.wait_until_polled(records).await;
    assert_eq!(polled(&stats), records);
    service.stop().await;
}

/// A service with one poll thread, and a table for each topic.
async fn start(proxy: &Proxy, tables: &[(&str, &str)]) -> Service {
    // The longest time that a broker without new records delays the answer to a fetch.
    let fetch_wait = "kafka.properties.fetch.wait.max.ms=20";
    let settings = ["ingest.threads=1", "ingest.stall_timeout=1s", fetch_wait];
    let mut settings: Vec<_> = settings.map(String::from).into();
    for (index, (name, topic)) in tables.iter().enumerate() {
        settings.extend(table(index, name, topic));
    }
    Service::start_with(proxy.bootstrap(), &settings).await
}

/// Writes records, each once the one before can be read, until [`WRITES`] of them were read while a
/// single offset request about `asked` waited for its answer.
async fn read_while_an_offset_request_waits(
    service: &Service,
    proxy: &Proxy,
    asked: &Topic,
    writer: &mut Writer,
) {
    let begun = Instant::now();
    let (mut request, mut read) = (proxy.withheld(&asked.name), 0);
    while read < WRITES {
        assert!(begun.elapsed() < PATIENCE, "the offset request delays writes");
        get_after(service, "a", [writer.write()], PATIENCE).await.unwrap();
        let last = proxy.withheld(&asked.name);
        read = if last == request { read + 1 } else { 0 };
        request = last;
    }
}

/// Writes to one partition of a topic. It keeps its client, because connecting for each write
/// would take longer than the service waits for an answer.
struct Writer {
    producer: BaseProducer,
    topic: String,
    written: u64,
}

impl Writer {
    fn new(broker: &Broker, topic: &Topic) -> Self {
        let bootstrap = broker.bootstrap();
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", bootstrap).set("linger.ms", "0");
        let producer = settings.create().unwrap();
        Self { producer, topic: topic.name.clone(), written: 0 }
    }

    /// Writes a record. Returns its partition and offset.
    fn write(&mut self) -> (i32, i64) {
        let payload = event("a", &self.written.to_string()).payload.unwrap();
        let record = BaseRecord::<str, _>::to(&self.topic).partition(0).payload(&payload);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.flush(PATIENCE).unwrap();
        self.written += 1;
        (0, i64::try_from(self.written).unwrap() - 1)
    }
}

fn one_for_each_partition() -> Vec<Message> {
    let message = |n| Message { partition: Some(n), ..event(&n.to_string(), "text") };
    (0..PARTITIONS).map(message).collect()
}
