//! Lookups: answers in the order of keys, errors that explain themselves, and reflection.

use millpond::proto::v1::{
    BatchGetRequest, ErrorReason, LookupResult, MissReason, lookup_result::Outcome,
};
use millpond_client::Client;
use prost::Message as _;
use tokio_stream::StreamExt;
use tonic::{Code, Status};
use tonic_reflection::pb::{v1, v1alpha};
use tonic_types::StatusExt;

use crate::stream::event;
use crate::support::broker::{self, Broker, Message, on_each_broker};
use crate::support::service::{PATIENCE, Service};

on_each_broker!(a_batch_is_answered_in_the_order_of_its_keys);

async fn a_batch_is_answered_in_the_order_of_its_keys(broker: &Broker) {
    let topic = broker.create_topic(3).await;
    let service = Service::ready(broker, &topic, &[]).await;
    let events: Vec<_> = (0..400).map(|n| event(&format!("key-{n}"), &n.to_string())).collect();
    topic.produce(&events);
    service.wait_until_polled(400).await;

    let keys: Vec<_> = (0..500).map(|n| format!("key-{}", n * 7 % 500)).collect();
    let answer = service.try_batch("services", keys.clone()).await.unwrap();
    assert_eq!(answer.results.len(), keys.len());
    for (key, result) in keys.iter().zip(answer.results) {
        let number: usize = key["key-".len()..].parse().unwrap();
        match result.outcome.unwrap() {
            Outcome::Entry(entry) => assert!(entry.key == *key && number < 400, "{key}"),
            Outcome::Miss(miss) => {
                assert_eq!(miss.reason(), MissReason::NeverSeen);
                assert!(number >= 400, "{key} is missing");
            }
        }
    }
    let stats = service.stats().await;
    assert_eq!((stats.tables[0].hit_count, stats.tables[0].miss_count), (400, 100));
    service.stop().await;
}

/// A service without records, for lookups that need none.
async fn idle(broker: &Broker) -> Service {
    let topic = broker.create_topic(1).await;
    Service::ready(broker, &topic, &[]).await
}

pub(crate) fn assert_error(status: &Status, code: Code, reason: ErrorReason) {
    assert_eq!(status.code(), code, "{status:?}");
    let info = status.get_details_error_info().expect("an ErrorInfo");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason.as_str_name(), "millpond"));
}

pub(crate) fn violated_fields(status: &Status) -> Vec<String> {
    let request = status.get_details_bad_request().expect("a BadRequest");
    request.field_violations.into_iter().map(|violation| violation.field).collect()
}

#[test]
fn an_unknown_table_is_an_error_that_names_the_existing_tables() {
    broker::in_process(async |broker| {
        let service = idle(broker).await;
        let batch = service.try_batch("typo", vec!["a".into()]).await.unwrap_err();
        let status = service.try_get("typo", "a").await.unwrap_err();
        for status in [batch, status] {
            assert_error(&status, Code::NotFound, ErrorReason::TableNotFound);
            assert!(status.message().contains("services"), "{}", status.message());
        }
        service.stop().await;
    });
}

#[test]
fn every_broken_field_of_a_request_is_named() {
    broker::in_process(async |broker| {
        let service = idle(broker).await;
        let status = service.try_get("", "").await.unwrap_err();
        assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
        assert_eq!(violated_fields(&status), ["table", "key"]);

        let keys = vec!["a".into(), String::new(), "b".into(), String::new()];
        let status = service.try_batch("services", keys).await.unwrap_err();
        assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
        assert_eq!(violated_fields(&status), ["keys[1]", "keys[3]"]);
        service.stop().await;
    });
}

#[test]
fn a_batch_of_a_thousand_keys_is_answered_and_one_more_is_refused() {
    broker::in_process(async |broker| {
        let service = idle(broker).await;
        let answer = service.try_batch("services", vec!["a".into(); 1_000]).await.unwrap();
        assert_eq!(answer.results.len(), 1_000);
        for keys in [vec![], vec!["a".into(); 1_001]] {
            let status = service.try_batch("services", keys).await.unwrap_err();
            assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
            assert_eq!(violated_fields(&status), ["keys"]);
        }
        service.stop().await;
    });
}

#[test]
fn keys_whose_entries_do_not_fit_in_a_response_are_deferred() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let settings = ["tables.0.capacity=64MiB", "ingest.max_document=2MiB", "rpc.pool=32MiB"];
        let service = Service::ready(broker, &topic, &settings).await;
        topic.produce(&[event("big", &"x".repeat(900_000)), event("small", "text")]);
        service.wait_until_polled(2).await;

        let mut keys = vec!["big".to_owned(); 5];
        keys.extend(["nobody".into(), "small".into()]);
        let answer = service.try_batch("services", keys.clone()).await.unwrap();
        assert!(answer.encoded_len() <= 3_584 << 10, "{}", answer.encoded_len());
        assert!((1..5).contains(&answer.results.len()), "{}", answer.results.len());
        let deferred = answer.results.len()..keys.len();
        assert!(answer.deferred.iter().map(|&index| usize::try_from(index).unwrap()).eq(deferred));

        let stats = service.stats().await;
        let hits = i64::try_from(answer.results.len()).unwrap();
        assert_eq!((stats.tables[0].hit_count, stats.tables[0].miss_count), (hits, 0));

        let request = BatchGetRequest { table: "services".into(), keys, ..Default::default() };
        let client = Client::connect_lazy(&format!("http://{}", service.rpc), PATIENCE).unwrap();
        let all = client.batch_get_all(request).await.unwrap();
        assert!(all.deferred.is_empty() && all.as_of.unwrap().ready);
        let found: Vec<_> = all.results.into_iter().map(key_of).collect();
        let big = Some("big".to_owned());
        assert_eq!(found[..5], [big.clone(), big.clone(), big.clone(), big.clone(), big]);
        assert_eq!(found[5..], [None, Some("small".to_owned())]);
        service.stop().await;
    });
}

/// The key of the entry that was found.
fn key_of(result: LookupResult) -> Option<String> {
    match result.outcome.unwrap() {
        Outcome::Entry(entry) => Some(entry.key),
        Outcome::Miss(_) => None,
    }
}

#[test]
fn a_client_looks_up_more_keys_than_one_call_takes() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        topic.produce(&[event("key-2400", "text")]);
        service.wait_until_polled(1).await;
        let client = Client::connect_lazy(&format!("http://{}", service.rpc), PATIENCE).unwrap();
        let keys = (0..2_500).map(|n| format!("key-{n}")).collect();
        let request = BatchGetRequest { table: "services".into(), keys, ..Default::default() };
        let all = client.batch_get_all(request).await.unwrap();
        let found: Vec<_> = all.results.into_iter().map(key_of).collect();
        assert_eq!(found.len(), 2_500);
        assert_eq!(found.iter().position(Option::is_some), Some(2_400));
        service.stop().await;
    });
}

#[test]
fn a_key_longer_than_any_can_be_is_refused() {
    broker::in_process(async |broker| {
        let service = idle(broker).await;
        let long = "k".repeat((64 << 10) + 1);
        let status = service.try_get("services", &long).await.unwrap_err();
        assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
        assert_eq!(violated_fields(&status), ["key"]);
        let status = service.try_batch("services", vec!["a".into(), long]).await.unwrap_err();
        assert_eq!(violated_fields(&status), ["keys[1]"]);
        service.stop().await;
    });
}

#[test]
fn an_entry_too_large_for_a_response_is_rejected_and_the_older_one_removed() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let settings = ["tables.0.capacity=64MiB", "ingest.max_document=4MiB"];
        let service = Service::ready(broker, &topic, &settings).await;
        topic.produce(&[event("a", "small"), event("a", &"x".repeat(2_000_000))]);
        let stats = service.wait_until_polled(2).await;
        let reason = millpond::proto::v1::RejectReason::EntryTooLarge;
        assert_eq!(crate::support::service::rejected(&stats, reason), 1);
        assert_eq!(service.entry("a").await, None);
        service.stop().await;
    });
}

const SERVICES: [&str; 6] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "millpond.v1.LookupService",
    "millpond.v1.MaintenanceService",
    "millpond.v1.StatsService",
];

#[test]
fn reflection_lists_every_service_in_both_versions() {
    broker::in_process(async |broker| {
        let service = idle(broker).await;
        for mut names in [listed_v1(&service).await, listed_v1alpha(&service).await] {
            names.sort();
            for name in &SERVICES {
                assert!(names.iter().any(|listed| listed == name), "{name} is not in {names:?}");
            }
        }
        service.stop().await;
    });
}

async fn listed_v1(service: &Service) -> Vec<String> {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(service.channel());
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers =
        client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    match answers.next().await.unwrap().unwrap().message_response.unwrap() {
        MessageResponse::ListServicesResponse(list) => {
            list.service.into_iter().map(|service| service.name).collect()
        }
        other => panic!("unexpected {other:?}"),
    }
}

async fn listed_v1alpha(service: &Service) -> Vec<String> {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(service.channel());
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers =
        client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    match answers.next().await.unwrap().unwrap().message_response.unwrap() {
        MessageResponse::ListServicesResponse(list) => {
            list.service.into_iter().map(|service| service.name).collect()
        }
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_record_without_the_fields_is_stored_without_them() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        topic.produce(&[Message { payload: Some(br#"{"id":"a"}"#.into()), ..Message::default() }]);
        service.wait_until_polled(1).await;
        assert!(service.entry("a").await.expect("an entry").fields.is_empty());
        service.stop().await;
    });
}
