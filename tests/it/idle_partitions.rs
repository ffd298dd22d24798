//! Idle partitions delay neither writes to other partitions nor the start of another topic.
//!
//! The service asks the broker for the ends of idle partitions, and for the offsets at which a
//! topic starts. One test withholds the answer and counts the writes that are read meanwhile. It
//! measures no time. A poll thread that waited for the answer would read one write, and then ask
//! again. In the other the broker answers a fetch later than the test waits.

use std::time::Instant;

use millpond::proto::v1::GetStatsResponse;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::own_writes::get_after;
use crate::stream::event;
use crate::support::broker::{self, Broker, Topic, on_each_broker};
use crate::support::proxy::Proxy;
use crate::support::service::{PATIENCE, Service, table};

on_each_broker!(idle_partitions_do_not_delay_the_others,);

const PARTITIONS: i32 = 64;
/// Records that are written one after the other while one offset request waits for its answer.
const WRITES: usize = 10;

async fn idle_partitions_do_not_delay_the_others(broker: &Broker) {
    let topic = broker.create_topic(PARTITIONS).await;
    let proxy = Proxy::start(broker, &[&topic.name]).await;
    let service = start(&proxy, &topic).await;
    service.wait_until_ready().await;

    proxy.withhold(&topic.name);
    proxy.wait_until_withheld(&topic.name).await;
    assert_eq!(proxy.withheld(&topic.name), 1, "one request is about all partitions");
    read_while_an_offset_request_waits(&service, &proxy, &topic, &mut Writer::new(broker, &topic))
        .await;
    service.stop().await;
}

#[test]
fn a_topic_starts_while_the_broker_keeps_the_fetch_of_another_waiting() {
    broker::real(async |broker| {
        let first = broker.create_topic(PARTITIONS).await;
        let later = format!("{}-later", first.name);
        let mut settings = table(0, "services", &first.name);
        settings.extend(table(1, "others", &later));
        // The broker answers nothing else on the connection for longer than this test waits.
        let fetch_waits = [
            "ingest.threads=1",
            "kafka.properties.fetch.wait.max.ms=240000",
            "kafka.properties.socket.timeout.ms=300000",
        ];
        settings.extend(fetch_waits.map(String::from));
        let service = Service::start_with(&broker.bootstrap(), &settings).await;
        let first_alone = |stats: &GetStatsResponse| stats.partitions.len() == 64;
        service.wait_for("the first topic", first_alone).await;
        assert!(!service.stats().await.ready);

        broker.create_named(&later, PARTITIONS).await;
        service.wait_until_ready().await;
        assert_eq!(service.stats().await.partitions.len(), 128);
        service.stop().await;
    });
}

/// A service with one poll thread and one table.
async fn start(proxy: &Proxy, topic: &Topic) -> Service {
    // The longest time that a broker without new records delays the answer to a fetch.
    let fetch_wait = "kafka.properties.fetch.wait.max.ms=20";
    let settings = ["ingest.threads=1", "ingest.stall_timeout=1s", fetch_wait];
    let mut settings: Vec<_> = settings.map(String::from).into();
    settings.extend(table(0, "services", &topic.name));
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
