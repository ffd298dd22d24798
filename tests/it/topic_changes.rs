//! A topic that changes while it is read: it grows, is deleted, recreated or truncated.

use std::time::Duration;

use millpond::proto::v1::{GetStatsResponse, PartitionStats, RecordOutcome, TopicState};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::freshness::wait_until_stale_as;
use crate::start::cluster;
use crate::stream::event;
use crate::support::broker::{self, Broker, Message, Topic};
use crate::support::service::{PATIENCE, Service, assert_counters_add_up, outcome, polled, table};

pub(crate) fn state(stats: &GetStatsResponse, topic: &str) -> TopicState {
    let found = stats.topics.iter().find(|each| each.topic == topic).expect("the topic");
    found.state()
}

pub(crate) fn sum(stats: &GetStatsResponse, count: impl Fn(&PartitionStats) -> i64) -> i64 {
    stats.partitions.iter().map(count).sum()
}

/// On a real broker: the in-process broker creates a topic as soon as somebody asks for it.
#[test]
fn a_missing_topic_is_reported_and_read_once_it_exists() {
    broker::real(read_once_it_exists);
}

async fn read_once_it_exists(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let mut settings = table(0, "services", &topic.name);
    let late = format!("{}-late", topic.name);
    settings.extend(table(1, "others", &late));
    let service = Service::start_with(&broker.bootstrap(), &settings).await;
    topic.produce(&[event("a", "first")]);
    let stats = service.wait_for("both states", |stats| {
        state(stats, &topic.name) == TopicState::Reading
            && state(stats, &late) == TopicState::Missing
            && polled(stats) == 1
    });
    assert!(!stats.await.ready);

    let late = broker.create_named(&late, 1).await;
    late.produce(&[event("b", "late")]);
    let stats = service.wait_for("readiness", |stats| stats.ready && polled(stats) == 2).await;
    assert_eq!(state(&stats, &late.name), TopicState::Reading);
    service.stop().await;
}

#[test]
fn an_unauthorized_topic_is_reported_and_the_others_are_read() {
    broker::in_process(async |broker| {
        let (ours, theirs) = (broker.create_topic(1).await, broker.create_topic(1).await);
        let forbidden = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        cluster(broker).topic_error(&theirs.name, forbidden).unwrap();
        let mut settings = table(0, "services", &ours.name);
        settings.extend(table(1, "others", &theirs.name));
        settings.push("ingest.metadata_refresh=100ms".into());
        let service = Service::start_with(&broker.bootstrap(), &settings).await;
        ours.produce(&[event("a", "first")]);
        let both = |stats: &GetStatsResponse| {
            polled(stats) == 1 && state(stats, &theirs.name) == TopicState::Unauthorized
        };
        service.wait_for("both states", both).await;

        allow(broker, &theirs);
        let stats = service.wait_for("readiness", |stats| stats.ready).await;
        assert_eq!(state(&stats, &theirs.name), TopicState::Reading);
        cluster(broker).topic_error(&theirs.name, forbidden).unwrap();
        service.wait_for("the state", both).await;
        service.stop().await;
    });
}

fn allow(broker: &Broker, topic: &Topic) {
    let fine = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
    cluster(broker).topic_error(&topic.name, fine).unwrap();
}

#[test]
fn a_topic_that_may_be_described_but_not_read_is_reported_until_it_may() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        let settings = ["ingest.metadata_refresh=100ms", "ingest.stall_timeout=4s"];
        let service = Service::ready(broker, &topic, &settings).await;
        topic.produce(&[event("a", "before")]);
        service.wait_until_polled(1).await;
        refuse_to_be_read(broker);
        let after = |partition| Message { partition: Some(partition), ..event("b", "after") };
        topic.produce(&[after(0), after(1)]);
        let unreadable = |stats: &GetStatsResponse| {
            assert!(stats.ready, "it has caught up once");
            state(stats, &topic.name) == TopicState::Unreadable
        };
        let stats = service.wait_for("the state", unreadable).await;
        assert_eq!(polled(&stats), 1);
        assert_eq!(service.description("a").await.as_deref(), Some("before"));

        cluster(broker).clear_request_errors(RDKafkaApiKey::Fetch);
        let reading = |stats: &GetStatsResponse| state(stats, &topic.name) == TopicState::Reading;
        let stats = service.wait_for("it to be read again", reading).await;
        assert!(stats.ready);
        let stats = service.wait_until_polled(3).await;
        assert_eq!(
            sum(&stats, |each| each.client_recreated_count),
            0,
            "another client does not help"
        );
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

/// Refuses to serve fetches. The first failures are plain faults and leave time to produce records
/// that will not be read: the in-process broker reports the end of a partition without more
/// records even if it refuses the fetch.
fn refuse_to_be_read(broker: &Broker) {
    let faults = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN; 6];
    let forbidden = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 1_000];
    let errors = [&faults[..], &forbidden].concat();
    cluster(broker).request_errors(RDKafkaApiKey::Fetch, &errors);
}

#[test]
fn partitions_that_are_added_are_read_from_their_beginning() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["ingest.metadata_refresh=500ms"]).await;
        topic.produce(&[event("a", "first")]);
        topic.grow(4).await;
        let on = |partition: i32| Message {
            partition: Some(partition),
            ..event(&format!("on-{partition}"), "added")
        };
        topic.produce(&[on(1), on(2), on(3), on(3)]);
        let stats = service
            .wait_for("records", |stats| {
                assert!(stats.ready, "new partitions take no readiness away");
                polled(stats) == 5
            })
            .await;

        assert_eq!(stats.partitions.len(), 4);
        assert_eq!(service.description("on-2").await.as_deref(), Some("added"));
        assert_eq!(outcome(&stats, RecordOutcome::Stored), 4);
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

#[test]
fn a_recreated_topic_is_read_from_its_start() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["ingest.metadata_refresh=500ms"]).await;
        topic.produce(&(0..20).map(|n| event(&format!("old-{n}"), "x")).collect::<Vec<_>>());
        service.wait_until_polled(20).await;
        topic.delete().await;
        service
            .wait_for("the state", |stats| state(stats, &topic.name) == TopicState::Missing)
            .await;
        topic.make_again(1).await;
        topic.produce(&(0..5).map(|n| event(&format!("new-{n}"), "y")).collect::<Vec<_>>());
        let stats = service.wait_until_polled(25).await;

        assert_eq!(polled(&stats), 25);
        assert_eq!(service.description("new-0").await.as_deref(), Some("y"));
        assert_eq!(sum(&stats, |each| each.recreated_count), 1);
        assert_eq!((stats.partitions[0].position, stats.partitions[0].lag_records), (5, 0));
        assert!(stats.ready);
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

#[test]
fn a_topic_recreated_before_its_absence_is_noticed_is_read_from_its_start() {
    broker::real(async |broker| {
        let (_topic, service) = recreate_with_one_partition_of_two(broker).await;
        let is_new = |stats: &GetStatsResponse| {
            // Entries of the partition that the topic lost leave too.
            polled(stats) == 22 && stats.tables[0].entry_count == 2
        };
        let stats = service.wait_for("the new topic alone", is_new).await;

        assert_eq!(service.description("0-100").await.as_deref(), Some("x"));
        assert_eq!(service.entry("1-1").await, None, "it was in the old topic");
        assert_eq!(sum(&stats, |each| each.recreated_count), 1);
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

#[test]
fn a_partition_that_a_recreated_topic_lost_is_left_and_read_again_when_it_comes_back() {
    broker::real(async |broker| {
        let (topic, service) = recreate_with_one_partition_of_two(broker).await;
        let stats = service.wait_until_polled(22).await;
        assert_eq!(stats.partitions[1].position, 10, "it is left where it was");
        topic.grow(2).await;
        topic.produce(&[numbered(1, 102)]);
        let stats = service.wait_until_polled(23).await;

        assert_eq!(service.description("1-102").await.as_deref(), Some("x"));
        let recreated: Vec<_> = stats.partitions.iter().map(|each| each.recreated_count).collect();
        assert_eq!(recreated, [1, 1]);
        assert_eq!(stats.partitions.len(), 2);
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

#[test]
fn a_topic_recreated_with_more_records_than_before_is_read_from_its_start() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["ingest.metadata_refresh=3s"]).await;
        topic.produce(&[numbered(0, 1), numbered(0, 2)]);
        service.wait_until_polled(2).await;
        topic.delete().await;
        topic.make_again(1).await;
        topic.produce(&(100..120).map(|n| numbered(0, n)).collect::<Vec<_>>());
        let reset = |stats: &GetStatsResponse| sum(stats, |each| each.recreated_count) == 1;
        service.wait_for("the new topic", reset).await;
        let stats = service.wait_for("its end", |stats| stats.partitions[0].position == 20).await;

        assert_eq!(service.description("0-100").await.as_deref(), Some("x"));
        assert_eq!(service.description("0-119").await.as_deref(), Some("x"));
        assert_eq!(service.entry("0-1").await, None, "it was in the old topic");
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

#[test]
fn a_thread_that_lost_all_of_its_partitions_does_not_make_the_table_stale() {
    broker::real(async |broker| {
        // Each of the two threads reads one of the partitions.
        let (_topic, service) = recreate_with_one_partition_of_two(broker).await;
        let stats = service.wait_until_polled(22).await;
        let uptime = stats.uptime.unwrap().seconds;
        let later = |stats: &GetStatsResponse| stats.uptime.unwrap().seconds > uptime + 5;
        service.wait_for("some time", later).await;
        wait_until_stale_as(&service, |staleness| staleness < Duration::from_secs(4)).await;
        service.stop().await;
    });
}

/// A topic of two partitions with ten records each, all read, that is created again with one
/// partition and two records before a look can miss it.
async fn recreate_with_one_partition_of_two(broker: &Broker) -> (Topic, Service) {
    let topic = broker.create_topic(2).await;
    let service = Service::ready(broker, &topic, &["ingest.metadata_refresh=2s"]).await;
    topic.produce(&(0..20).map(|n| numbered(n % 2, n)).collect::<Vec<_>>());
    service.wait_until_polled(20).await;
    topic.delete().await;
    topic.make_again(1).await;
    topic.produce(&[numbered(0, 100), numbered(0, 101)]);
    (topic, service)
}

fn numbered(partition: i32, number: i32) -> Message {
    Message { partition: Some(partition), ..event(&format!("{partition}-{number}"), "x") }
}

#[test]
fn unread_records_removed_by_retention_are_counted_and_the_rest_is_read() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        topic.produce(&[event("a", "before")]);
        service.wait_until_polled(1).await;
        // Records after an open transaction cannot be read, but can be removed.
        let open = open_transaction(broker, &topic);
        topic.produce(&(0..10).map(|n| event(&format!("b-{n}"), "behind")).collect::<Vec<_>>());
        topic.cut(0, 8).await;
        open.abort_transaction(PATIENCE).unwrap();
        let stats = service.wait_until_polled(5).await;

        assert_eq!(sum(&stats, |each| each.retention_gap_records), 7, "{stats:?}");
        assert_eq!(service.entry("b-5").await, None, "it was removed");
        assert_eq!(service.description("b-6").await.as_deref(), Some("behind"));
        assert_eq!(sum(&stats, |each| each.recreated_count), 0);
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

/// A transaction with one record in it.
pub(crate) fn open_transaction(broker: &Broker, topic: &Topic) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("transactional.id", &topic.name)
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    let record = BaseRecord::<str, str>::to(&topic.name).key("t").payload("{}");
    producer.send(record).map_err(|e| e.0).unwrap();
    producer.flush(PATIENCE).unwrap();
    producer
}
