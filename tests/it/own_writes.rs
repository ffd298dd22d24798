//! Read your own writes: a call that names positions is answered once they are handled, or fails
//! before its deadline.

use std::time::Duration;

use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::{
    BatchGetRequest, ErrorReason, Freshness, GetRequest, GetResponse, PartitionOffset,
    lookup_result,
};
use tokio::time::timeout;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::lookups::{assert_error, violated_fields};
use crate::start::cluster;
use crate::stream::event;
use crate::support::broker::{self, Broker, Message, on_each_broker};
use crate::support::caller::is_hit;
use crate::support::service::{PATIENCE, Service};

on_each_broker!(
    an_acknowledged_write_is_read_by_the_first_call,
    a_wait_for_an_offset_that_does_not_come_fails_before_the_deadline,
);

/// Demands that the records at these places are handled.
fn after(acknowledged: impl IntoIterator<Item = (i32, i64)>) -> Freshness {
    let position = |(partition, offset)| PartitionOffset { partition, offset };
    let min_positions = acknowledged.into_iter().map(position).collect();
    Freshness { min_positions, ..Freshness::default() }
}

/// Looks up `key` once the records at `acknowledged` are handled.
pub(crate) async fn get_after(
    service: &Service,
    key: &str,
    acknowledged: impl IntoIterator<Item = (i32, i64)>,
    patience: Duration,
) -> Result<GetResponse, Status> {
    let mut request = Request::new(GetRequest {
        table: "services".into(),
        key: key.into(),
        freshness: Some(after(acknowledged)),
        ..GetRequest::default()
    });
    request.set_timeout(patience);
    Ok(LookupServiceClient::new(service.channel()).get(request).await?.into_inner())
}

async fn an_acknowledged_write_is_read_by_the_first_call(broker: &Broker) {
    let topic = broker.create_topic(3).await;
    let service = Service::ready(broker, &topic, &[]).await;
    for n in 0..30 {
        let keys: Vec<_> = (0..5).map(|part| format!("key-{n}-{part}")).collect();
        let acknowledged =
            topic.produce(&keys.iter().map(|key| event(key, "text")).collect::<Vec<_>>());
        let last = acknowledged.last().copied();
        let answer = get_after(&service, &keys[4], last, PATIENCE).await.unwrap();
        assert!(is_hit(&answer), "{} is missing", keys[4]);

        let batch = BatchGetRequest {
            table: "services".into(),
            keys,
            freshness: Some(after(acknowledged)),
            ..BatchGetRequest::default()
        };
        let mut client = LookupServiceClient::new(service.channel());
        let results = client.batch_get(batch).await.unwrap().into_inner().results;
        let found = |outcome| matches!(outcome, Some(lookup_result::Outcome::Entry(_)));
        assert!(results.into_iter().all(|result| found(result.outcome)));
    }
    service.stop().await;
}

async fn a_wait_for_an_offset_that_does_not_come_fails_before_the_deadline(broker: &Broker) {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &[]).await;
    let written = topic.produce(&[event("a", "first"), event("b", "second")]);
    get_after(&service, "b", written, PATIENCE).await.unwrap();

    let brief = Duration::from_secs(2);
    let status = get_after(&service, "a", [(0, 1), (0, 7)], brief).await.unwrap_err();
    assert_error(&status, Code::DeadlineExceeded, ErrorReason::PositionsNotReached);
    let metadata = status.get_details_error_info().unwrap().metadata;
    assert_eq!((&*metadata["table"], &*metadata["positions"]), ("services", "0:2"));

    let status = get_after(&service, "a", [(0, 1), (7, 1)], brief).await.unwrap_err();
    assert_error(&status, Code::DeadlineExceeded, ErrorReason::PositionsNotReached);
    let metadata = status.get_details_error_info().unwrap().metadata;
    assert_eq!(metadata["positions"], "7:-", "the topic has no such partition");
    let status = get_after(&service, "a", [(0, -1), (-1, 0)], PATIENCE).await.unwrap_err();
    let fields = ["freshness.min_positions[0].offset", "freshness.min_positions[1].partition"];
    assert_eq!(violated_fields(&status), fields);
    service.stop().await;
}

#[test]
fn too_many_positions_are_refused() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let many = vec![(0, 0); 1_001];
        let status = get_after(&service, "a", many, PATIENCE).await.unwrap_err();
        assert_eq!(violated_fields(&status), ["freshness.min_positions"]);
        service.stop().await;
    });
}

#[test]
fn a_write_to_a_partition_that_was_just_added_is_read_by_the_first_call() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        // Nobody looks at the topic again unless a call asks for that.
        let service = Service::ready(broker, &topic, &["ingest.metadata_refresh=1h"]).await;
        topic.grow(3).await;
        let written = topic.produce(&[Message { partition: Some(2), ..event("a", "added") }]);
        let answer = get_after(&service, "a", written, PATIENCE).await.unwrap();
        assert!(is_hit(&answer), "{answer:?}");
        service.stop().await;
    });
}

#[test]
fn a_wait_survives_an_outage_that_ends_before_its_deadline() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let written = topic.produce(&[event("a", "first")]);
        cluster(broker).broker_down(1).unwrap();
        let service = Service::start(broker, &topic, &["ingest.start=earliest"]).await;
        let mut answered = Box::pin(get_after(&service, "a", written.clone(), PATIENCE));
        let while_down = timeout(Duration::from_millis(300), &mut answered).await;
        assert!(while_down.is_err(), "which partitions there are is not even known");
        let brief = get_after(&service, "a", written, Duration::from_secs(1)).await.unwrap_err();
        assert_error(&brief, Code::DeadlineExceeded, ErrorReason::PositionsNotReached);

        cluster(broker).broker_up(1).unwrap();
        let answer = answered.await.unwrap();
        assert!(is_hit(&answer), "{answer:?}");
        service.stop().await;
    });
}

#[test]
fn a_service_that_stops_does_not_leave_waits_hanging() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["shutdown.deadline=60s"]).await;
        let mut client = LookupServiceClient::new(service.channel());
        let (table, key) = ("services".into(), "a".into());
        let freshness = Some(after([(0, 1_000)]));
        let request = GetRequest { table, key, freshness, ..GetRequest::default() };
        let mut waiting = std::pin::pin!(client.get(request));
        assert!(timeout(Duration::from_millis(300), &mut waiting).await.is_err());

        let ended = service.ask_to_stop();
        // Well before the 30 seconds of its longest wait.
        let answered = timeout(Duration::from_secs(20), waiting).await;
        let status = answered.expect("an end").unwrap_err();
        assert_error(&status, Code::Unavailable, ErrorReason::Draining);
        ended.await.unwrap().unwrap();
    });
}
