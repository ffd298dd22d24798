//! The brokers of the test harness store, find and clean up records as promised.
//!
//! Tests `kafka.rs`, `guard.rs` and `broker.rs` of the harness, on which other tests rely. Knows
//! nothing of millpond.

#![expect(clippy::expect_used, clippy::panic, reason = "how a test fails")]

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::support::broker::{self, Broker, Message, Topic, on_each_broker};
use crate::support::guard::Guard;
use crate::support::kafka;

const PATIENCE: Duration = Duration::from_secs(60);

on_each_broker!(
    records_come_back_as_they_were_produced,
    a_null_payload_stays_null,
    a_message_of_ten_megabytes_is_taken,
    a_key_always_goes_to_the_same_partition,
);

async fn records_come_back_as_they_were_produced(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let header = ("source".to_owned(), Some(b"test".to_vec()));
    let message = Message {
        partition: Some(1),
        key: Some(b"a".to_vec()),
        payload: Some(b"{}".to_vec()),
        headers: vec![header],
        timestamp_ms: Some(1_000),
    };
    assert_eq!(topic.produce(&[message.clone(), message]), [(1, 0), (1, 1)]);

    let consumer = reader(broker, &topic, 1);
    let record = next(&consumer);
    assert_eq!(record.key(), Some(&b"a"[..]));
    assert_eq!(record.payload(), Some(&b"{}"[..]));
    assert_eq!(record.timestamp().to_millis(), Some(1_000));
    let headers = record.headers().expect("the header should come back");
    assert_eq!((headers.get(0).key, headers.get(0).value), ("source", Some(&b"test"[..])));
    assert_eq!(next(&consumer).offset(), 1);
}

async fn a_null_payload_stays_null(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    topic.produce(&[Message { key: Some(b"a".to_vec()), ..Message::default() }]);
    let consumer = reader(broker, &topic, 0);
    let record = next(&consumer);
    assert_eq!((record.key(), record.payload()), (Some(&b"a"[..]), None));
}

async fn a_message_of_ten_megabytes_is_taken(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let payload = vec![b'x'; 10_000_000];
    topic.produce(&[Message { payload: Some(payload), ..Message::default() }]);
    let consumer = reader(broker, &topic, 0);
    let record = next(&consumer);
    assert_eq!(record.payload().map(<[u8]>::len), Some(10_000_000));
}

async fn a_key_always_goes_to_the_same_partition(broker: &Broker) {
    let topic = broker.create_topic(8).await;
    let message = Message { key: Some(b"apache/kafka".to_vec()), ..Message::default() };
    let places = topic.produce(&vec![message; 20]);
    assert!(places.windows(2).all(|pair| pair[0].0 == pair[1].0), "{places:?}");
}

async fn an_offset_is_found_by_its_time(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let stamps = [1_000, 2_000, 3_000];
    topic.produce(&stamps.map(|at| Message { timestamp_ms: Some(at), ..Message::default() }));

    let consumer = client(&broker.bootstrap());
    assert_eq!(offset_at(&consumer, &topic, 1_500), Offset::Offset(1));
    assert_eq!(offset_at(&consumer, &topic, 3_001), Offset::End);
}

#[test]
fn an_offset_is_found_by_its_time_on_a_real_broker() {
    broker::real(an_offset_is_found_by_its_time);
}

#[test]
fn a_node_keeps_its_records_over_a_crash_and_leaves_no_files_behind() {
    let test = "a_node_keeps_its_records_over_a_crash_and_leaves_no_files_behind";
    let Some(mut node) = kafka::require_own(test) else { return };
    let broker = Broker::Real(node.bootstrap().to_owned());
    let topic = broker::block_on(broker.create_topic(1));
    topic.produce(&[Message { payload: Some(b"kept".to_vec()), ..Message::default() }]);

    node.kill().expect("the node should end");
    let consumer = client(&broker.bootstrap());
    assert!(consumer.fetch_metadata(None, Duration::from_millis(100)).is_err());

    node.restart().expect("the node should come back");
    let consumer = reader(&broker, &topic, 0);
    let record = next(&consumer);
    assert_eq!(record.payload(), Some(&b"kept"[..]));

    let folder = node.folder();
    drop(node);
    assert!(!folder.exists(), "{} is still there", folder.display());
}

#[test]
fn a_process_is_killed_and_its_folder_removed_when_their_owner_is_dropped() {
    let mut guard = Guard::new().expect("a shell and a temporary folder");
    let folder = guard.folder().to_owned();
    let log = File::create(folder.join("log")).expect("a file in the folder");
    let mut process = guard.spawn(&["sleep".into(), "600".into()], log).expect("a process");

    // Closes the same pipe that the system would close if this process were killed.
    drop(guard);
    let status = process.wait().expect("the process should end");
    assert_eq!(status.signal(), Some(9));
    assert!(!folder.exists(), "{} is still there", folder.display());
}

fn client(bootstrap: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "unused")
        .set("fetch.message.max.bytes", "16777216")
        .create()
        .expect("a consumer")
}

fn reader(broker: &Broker, topic: &Topic, partition: i32) -> BaseConsumer {
    let consumer = client(&broker.bootstrap());
    let mut assignment = TopicPartitionList::new();
    assignment
        .add_partition_offset(&topic.name, partition, Offset::Beginning)
        .expect("a valid offset");
    consumer.assign(&assignment).expect("an assignment");
    consumer
}

/// The next record. Ignores connection errors until then.
fn next(consumer: &BaseConsumer) -> rdkafka::message::BorrowedMessage<'_> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(Ok(record)) = consumer.poll(Duration::from_millis(100)) {
            return record;
        }
    }
    panic!("no record came in {PATIENCE:?}")
}

fn offset_at(consumer: &BaseConsumer, topic: &Topic, timestamp_ms: i64) -> Offset {
    let mut asked = TopicPartitionList::new();
    asked
        .add_partition_offset(&topic.name, 0, Offset::Offset(timestamp_ms))
        .expect("a valid timestamp");
    let found = consumer.offsets_for_times(asked, PATIENCE).expect("an answer");
    found.find_partition(&topic.name, 0).expect("the partition asked for").offset()
}
