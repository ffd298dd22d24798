//! Rejected records: the list of the most recent ones, and dead-letter topics.

use std::time::Instant;

use millpond::proto::v1::maintenance_service_client::MaintenanceServiceClient;
use millpond::proto::v1::{
    GetStatsResponse, ListRejectionsRequest, ListRejectionsResponse, RejectReason, Rejection,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tonic::{Code, Status};

use crate::lookups::violated_fields;
use crate::stream::{event, now_ms};
use crate::support::broker::{self, Broker, Message, Topic, on_each_broker};
use crate::support::service::{PATIENCE, Service, assert_counters_add_up};

on_each_broker!(
    the_records_that_were_rejected_last_are_listed,
    rejected_records_are_sent_to_the_dead_letter_topic_with_the_reason,
);

fn poison(payload: &str) -> Message {
    let headers = vec![("trace".to_owned(), Some(b"t-1".to_vec()))];
    Message { key: Some("k".into()), payload: Some(payload.into()), headers, ..event("k", "") }
}

async fn page(
    service: &Service,
    table: &str,
    page_size: i32,
    page_token: &str,
) -> Result<ListRejectionsResponse, Status> {
    let (table, page_token) = (table.into(), page_token.into());
    let request = ListRejectionsRequest { table, page_size, page_token };
    let mut client = MaintenanceServiceClient::new(service.channel());
    Ok(client.list_rejections(request).await?.into_inner())
}

async fn list(service: &Service, table: &str) -> Result<Vec<Rejection>, Status> {
    Ok(page(service, table, 0, "").await?.rejections)
}

async fn the_records_that_were_rejected_last_are_listed(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &["ingest.recent_rejections=2"]).await;
    assert!(list(&service, "").await.unwrap().is_empty());
    let old = Message { timestamp_ms: Some(now_ms() - 60_000), ..poison("{") };
    topic.produce(&[poison("first"), event("a", "good"), poison("{}"), old]);
    service.wait_until_polled(4).await;

    let listed = list(&service, "services").await.unwrap();
    let found = listed.iter().map(|each| (each.offset, each.reason())).collect::<Vec<_>>();
    assert_eq!(found, [(3, RejectReason::InvalidJson), (2, RejectReason::MissingKey)]);
    let newest = &listed[0];
    assert_eq!((&newest.table, &newest.topic), (&"services".to_owned(), &topic.name));
    let seconds = newest.reject_time.unwrap().seconds - newest.record_time.unwrap().seconds;
    assert!(seconds >= 59, "{newest:?}");
    assert_eq!(list(&service, "typo").await.unwrap_err().code(), Code::NotFound);
    service.stop().await;
}

async fn rejected_records_are_sent_to_the_dead_letter_topic_with_the_reason(broker: &Broker) {
    let (topic, dead) = (broker.create_topic(1).await, broker.create_topic(1).await);
    let setting = format!("tables.0.dead_letter={}", dead.name);
    let service = Service::ready(broker, &topic, &[&setting, "ingest.max_document=4MiB"]).await;
    let oversized = poison(&"x".repeat(3 << 20));
    topic.produce(&[poison("not JSON"), event("a", "good"), oversized]);
    let done = |stats: &GetStatsResponse| {
        let dead_letters = stats.dead_letters.unwrap();
        (dead_letters.delivered_count, dead_letters.dropped_count) == (1, 1)
    };
    let stats = service.wait_for("dead letters", done).await;
    assert_counters_add_up(&stats);

    let consumer = reader(broker, &dead);
    let start = Instant::now();
    let letter = loop {
        if let Some(letter) = consumer.poll(PATIENCE) {
            break letter.unwrap();
        }
        assert!(start.elapsed() < PATIENCE, "there is no dead letter");
    };
    assert_eq!((letter.key(), letter.payload()), (Some(&b"k"[..]), Some(&b"not JSON"[..])));
    for (name, value) in [
        ("trace", "t-1"),
        ("millpond-reason", "invalid_json"),
        ("millpond-table", "services"),
        ("millpond-topic", topic.name.as_str()),
        ("millpond-partition", "0"),
        ("millpond-offset", "0"),
    ] {
        assert_eq!(header(&letter, name).as_deref(), Some(value), "{name}");
    }
    service.stop().await;
}

#[test]
fn dead_letters_that_the_broker_refuses_are_counted_and_delay_nothing() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        let dead = broker.create_topic_with(1, &[("max.message.bytes", "1000")]).await;
        let setting = format!("tables.0.dead_letter={}", dead.name);
        let service = Service::ready(broker, &topic, &[&setting]).await;
        let too_large = || poison(&"x".repeat(5_000));
        topic.produce(&[too_large(), event("a", "good"), too_large()]);
        service.wait_until_polled(3).await;
        assert_eq!(service.description("a").await.as_deref(), Some("good"));
        let letters = |stats: &GetStatsResponse| stats.dead_letters.unwrap();
        service.wait_for("refusals", |stats| letters(stats).failed_count == 2).await;

        topic.produce(&[poison("small")]);
        let stats =
            service.wait_for("a delivery", |stats| letters(stats).delivered_count == 1).await;
        assert_eq!((letters(&stats).failed_count, letters(&stats).dropped_count), (2, 0));
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

#[test]
fn rejections_are_paged_and_those_that_come_meanwhile_are_on_no_page() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        topic.produce(&(0..5).map(|_| poison("{")).collect::<Vec<_>>());
        service.wait_until_polled(5).await;
        let first = page(&service, "", 2, "").await.unwrap();
        topic.produce(&[poison("{")]);
        service.wait_until_polled(6).await;

        let (mut offsets, mut token) = (offsets(&first), first.next_page_token);
        while !token.is_empty() {
            let next = page(&service, "", 2, &token).await.unwrap();
            offsets.extend(self::offsets(&next));
            token = next.next_page_token;
        }
        assert_eq!(offsets, [4, 3, 2, 1, 0]);
        assert_eq!(page(&service, "", 100, "").await.unwrap().rejections.len(), 6);

        let token = page(&service, "", 2, "").await.unwrap().next_page_token;
        for (table, token) in [("services", token.as_str()), ("", "5"), ("", "AAAA")] {
            let status = page(&service, table, 2, token).await.unwrap_err();
            assert_eq!(violated_fields(&status), ["page_token"], "{table} {token}");
        }
        service.stop().await;
    });
}

fn offsets(page: &ListRejectionsResponse) -> Vec<i64> {
    page.rejections.iter().map(|rejection| rejection.offset).collect()
}

fn reader(broker: &Broker, topic: &Topic) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("group.id", &topic.name)
        .create()
        .unwrap();
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(&topic.name, 0, Offset::Beginning).unwrap();
    consumer.assign(&all).unwrap();
    consumer
}

fn header(message: &BorrowedMessage<'_>, name: &str) -> Option<String> {
    let headers = message.headers()?;
    let found = headers.iter().find(|header| header.key == name)?;
    Some(String::from_utf8_lossy(found.value?).into_owned())
}
