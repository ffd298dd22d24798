//! Freshness: how complete a table is, and the freshness that callers can demand.

use std::time::{Duration, Instant};

use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::{
    BatchGetRequest, ErrorReason, Freshness, GetRequest, GetResponse, MissReason,
};
use millpond_client::health::HealthCheckRequest;
use millpond_client::health::health_check_response::ServingStatus;
use millpond_client::health::health_client::HealthClient;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::Producer;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::lookups::{assert_error, violated_fields};
use crate::start::{cluster, health};
use crate::stream::event;
use crate::support::broker::{self, Broker, Message, on_each_broker};
use crate::support::caller::is_hit;
use crate::support::service::{PATIENCE, Service, table};
use crate::topic_changes::open_transaction;

on_each_broker!(readiness_is_reported_for_each_table, a_table_that_keeps_up_is_fresh,);

async fn ask(service: &Service, request: GetRequest) -> Result<GetResponse, Status> {
    Ok(LookupServiceClient::new(service.channel()).get(request).await?.into_inner())
}

const READY: Option<Freshness> =
    Some(Freshness { require_ready: true, max_staleness: None, min_positions: Vec::new() });

/// Asks for an answer that is no staler than this.
fn at_most(seconds: i64, nanos: i32, key: &str) -> GetRequest {
    let max_staleness = Some(prost_types::Duration { seconds, nanos });
    let freshness = Some(Freshness { max_staleness, ..Freshness::default() });
    GetRequest { freshness, ..get(key) }
}

fn get(key: &str) -> GetRequest {
    GetRequest { table: "services".into(), key: key.into(), ..GetRequest::default() }
}

async fn readiness_is_reported_for_each_table(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    topic.produce(&[event("a", "first")]);
    let mut settings = table(0, "services", &topic.name);
    settings.extend(table(1, "others", "nobody-made-this-topic"));
    settings.push("ingest.start=earliest".into());
    let service = Service::start_with(&broker.bootstrap(), &settings).await;
    service.wait_until_polled(1).await;
    while health(&service, "millpond.table/services").await != ServingStatus::Serving {
        tokio::task::yield_now().await;
    }
    assert_eq!(health(&service, "millpond.table/others").await, ServingStatus::NotServing);
    assert_eq!(health(&service, "").await, ServingStatus::NotServing);
    assert_eq!(unknown_name(&service).await.code(), Code::NotFound);

    let ready = GetRequest { freshness: READY, ..get("a") };
    let answer = ask(&service, ready.clone()).await.unwrap();
    assert!(is_hit(&answer), "{answer:?}");
    let status = ask(&service, GetRequest { table: "others".into(), ..ready }).await.unwrap_err();
    assert_loading(&status);
    let batch = BatchGetRequest {
        table: "others".into(),
        keys: vec!["a".into()],
        freshness: READY,
        ..Default::default()
    };
    let status = LookupServiceClient::new(service.channel()).batch_get(batch).await.unwrap_err();
    assert_loading(&status);
    service.stop().await;
}

async fn staleness(service: &Service) -> Option<Duration> {
    let as_of = ask(service, get("a")).await.unwrap().as_of.unwrap();
    as_of.staleness.map(|staleness| staleness.try_into().unwrap())
}

pub(crate) async fn wait_until_stale_as(
    service: &Service,
    mut holds: impl FnMut(Duration) -> bool,
) {
    let start = Instant::now();
    loop {
        let staleness = staleness(service).await;
        if staleness.is_some_and(&mut holds) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain, it is {staleness:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the staleness falls by more than the time between two answers explains.
pub(crate) async fn wait_until_renewed(service: &Service) {
    let mut most = Duration::ZERO;
    let fallen = |staleness: Duration| {
        most = most.max(staleness);
        staleness + Duration::from_millis(300) < most
    };
    wait_until_stale_as(service, fallen).await;
}

async fn a_table_that_keeps_up_is_fresh(broker: &Broker) {
    let topic = broker.create_topic(3).await;
    let service = Service::start(broker, &topic, &["ingest.start=earliest"]).await;
    service.wait_until_ready().await;
    assert!(staleness(&service).await.is_some(), "it begins with the end that it asked for");
    wait_until_renewed(&service).await;
    topic.produce(&(0..1_000).map(|n| event(&n.to_string(), "text")).collect::<Vec<_>>());
    service.wait_until_polled(1_000).await;
    wait_until_renewed(&service).await;

    let answered = ask(&service, at_most(60, 0, "1")).await;
    assert!(is_hit(&answered.unwrap()));
    for (seconds, nanos) in [(-1, 0), (0, -1), (60, -1), (-60, 1), (1, 1_000_000_000)] {
        let status = ask(&service, at_most(seconds, nanos, "1")).await.unwrap_err();
        assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
        assert_eq!(violated_fields(&status), ["freshness.max_staleness"], "{seconds} {nanos}");
    }
    service.stop().await;
}

#[test]
fn staleness_grows_while_the_broker_is_down_and_falls_afterwards() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        let service = Service::ready(broker, &topic, &[]).await;
        cluster(broker).broker_down(1).unwrap();
        wait_until_stale_as(&service, |staleness| staleness > Duration::from_secs(5)).await;

        let demanding = at_most(3, 0, "a");
        let status = ask(&service, demanding.clone()).await.unwrap_err();
        assert_error(&status, Code::Unavailable, ErrorReason::TableStale);
        assert!(status.get_details_retry_info().is_some(), "a retry may help");
        let metadata = status.get_details_error_info().unwrap().metadata;
        assert_eq!(
            (metadata["ready"].as_str(), metadata["max_staleness"].as_str()),
            ("true", "3.000s")
        );
        let staleness: f64 = metadata["staleness"].trim_end_matches('s').parse().unwrap();
        assert!(staleness > 5.0, "{metadata:?}");

        cluster(broker).broker_up(1).unwrap();
        wait_until_stale_as(&service, |staleness| staleness < Duration::from_secs(3)).await;
        ask(&service, demanding).await.unwrap();
        service.stop().await;
    });
}

#[test]
fn staleness_grows_while_a_committed_record_is_behind_an_open_transaction() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let open = open_transaction(broker, &topic);
        topic.produce(&[event("a", "behind")]);
        wait_until_stale_as(&service, |staleness| staleness > Duration::from_secs(4)).await;
        let stats = service.stats().await;
        assert_eq!(stats.partitions[0].open_transaction_offset, Some(0));

        open.commit_transaction(PATIENCE).unwrap();
        wait_until_stale_as(&service, |staleness| staleness < Duration::from_secs(3)).await;
        assert_eq!(service.description("a").await.as_deref(), Some("behind"));
        assert_eq!(service.stats().await.partitions[0].open_transaction_offset, None);
        service.stop().await;
    });
}

fn assert_loading(status: &Status) {
    assert_error(status, Code::Unavailable, ErrorReason::TableLoading);
    let retry = status.get_details_retry_info().expect("a RetryInfo");
    assert!(retry.retry_delay.is_some(), "{status:?}");
}

async fn unknown_name(service: &Service) -> Status {
    let mut client = HealthClient::new(service.channel());
    let request = HealthCheckRequest { service: "millpond.table/typo".into() };
    client.check(request).await.unwrap_err()
}

/// A service with one table of two partitions. The second one has no leader, so it does not load.
async fn half_loaded(broker: &Broker) -> Service {
    let topic = broker.create_topic(2).await;
    cluster(broker).partition_leader(&topic.name, 0, Some(1)).unwrap();
    cluster(broker).partition_leader(&topic.name, 1, Some(2)).unwrap();
    topic.produce(&[Message { partition: Some(0), ..event("a", "first") }]);
    topic.produce(&[Message { partition: Some(1), ..event("b", "second") }]);
    cluster(broker).broker_down(2).unwrap();
    let service = Service::start(broker, &topic, &["ingest.start=earliest"]).await;
    service.wait_until_polled(1).await;
    service
}

fn on_two_brokers(behaviour: impl AsyncFnOnce(&Broker)) {
    let broker = Broker::InProcess(MockCluster::new(2).unwrap());
    broker::block_on(behaviour(&broker));
}

#[test]
fn a_loading_table_answers_what_it_has_and_says_that_a_miss_may_be_loading() {
    on_two_brokers(async |broker| {
        let service = half_loaded(broker).await;
        let answer = ask(&service, get("a")).await.unwrap();
        assert!(is_hit(&answer), "{answer:?}");
        let as_of = answer.as_of.unwrap();
        assert!(!as_of.ready && as_of.staleness.is_none(), "{as_of:?}");
        assert_eq!(service.miss("b").await, MissReason::Loading);
        let required = GetRequest { freshness: READY, ..get("a") };
        assert_loading(&ask(&service, required).await.unwrap_err());

        cluster(broker).broker_up(2).unwrap();
        service.wait_until_ready().await;
        assert_eq!(service.description("b").await.as_deref(), Some("second"));
        service.stop().await;
    });
}
