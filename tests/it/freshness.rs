//! What callers are told of how complete a table is, and what they can demand of it.

use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::{
    BatchGetRequest, ErrorReason, GetRequest, GetResponse, MissReason, get_response::Outcome,
};
use rdkafka::mocking::MockCluster;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::lookups::assert_error;
use crate::start::{cluster, health};
use crate::stream::event;
use crate::support::broker::{self, Broker, Message, on_each_broker};
use crate::support::service::{Service, table};

on_each_broker!(a_table_is_ready_by_its_own_name);

async fn ask(service: &Service, request: GetRequest) -> Result<GetResponse, Status> {
    Ok(LookupServiceClient::new(service.channel()).get(request).await?.into_inner())
}

fn get(key: &str) -> GetRequest {
    GetRequest { table: "services".into(), key: key.into(), ..GetRequest::default() }
}

async fn a_table_is_ready_by_its_own_name(broker: &Broker) {
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

    let ready = GetRequest { require_ready: true, ..get("a") };
    let answer = ask(&service, ready.clone()).await.unwrap();
    assert!(matches!(answer.outcome, Some(Outcome::Entry(_))), "{answer:?}");
    let status = ask(&service, GetRequest { table: "others".into(), ..ready }).await.unwrap_err();
    assert_loading(&status);
    let batch = BatchGetRequest {
        table: "others".into(),
        keys: vec!["a".into()],
        require_ready: true,
    };
    let status = LookupServiceClient::new(service.channel()).batch_get(batch).await.unwrap_err();
    assert_loading(&status);
    service.stop().await;
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

/// A service of one table with two partitions, the second of which has no leader: the
/// thread that is to read it waits.
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
fn a_loading_table_answers_what_it_has_and_says_that_the_rest_may_come() {
    on_two_brokers(async |broker| {
        let service = half_loaded(broker).await;
        let answer = ask(&service, get("a")).await.unwrap();
        assert!(matches!(answer.outcome, Some(Outcome::Entry(_))), "{answer:?}");
        assert!(!answer.as_of.unwrap().ready);
        assert_eq!(service.miss("b").await, MissReason::Loading);
        let required = GetRequest { require_ready: true, ..get("a") };
        assert_loading(&ask(&service, required).await.unwrap_err());

        cluster(broker).broker_up(2).unwrap();
        service.wait_until_ready().await;
        assert_eq!(service.description("b").await.as_deref(), Some("second"));
        service.stop().await;
    });
}
