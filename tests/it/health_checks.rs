//! The health protocol of gRPC, as its clients use it.

use millpond_client::health::health_check_response::ServingStatus;
use millpond_client::health::health_client::HealthClient;
use millpond_client::health::{HealthCheckRequest, HealthListRequest};
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tonic::Code;

use crate::support::broker;
use crate::support::service::{PATIENCE, Service};

fn of(name: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: name.into() }
}

#[test]
fn an_unknown_name_is_watched_until_the_service_stops_and_a_check_of_it_is_not_found() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut client = HealthClient::new(service.channel());
        let status = client.check(of("typo")).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert!(status.message().contains("typo"), "{status:?}");

        let mut unknown = client.watch(of("typo")).await.unwrap().into_inner();
        let mut all = client.watch(of("")).await.unwrap().into_inner();
        assert_eq!(unknown.next().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
        assert_eq!(all.next().await.unwrap().unwrap().status(), ServingStatus::Serving);

        let ended = service.ask_to_stop();
        let last = timeout(PATIENCE, all.next()).await.unwrap();
        assert_eq!(last.unwrap().unwrap().status(), ServingStatus::NotServing);
        for mut watch in [unknown, all] {
            assert!(timeout(PATIENCE, watch.next()).await.unwrap().is_none(), "its end");
        }
        ended.await.unwrap().unwrap();
    });
}

#[test]
fn a_list_has_the_status_of_every_name() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut client = HealthClient::new(service.channel());
        let listed = client.list(HealthListRequest {}).await.unwrap().into_inner().statuses;
        let mut names: Vec<_> = listed.keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected = [
            "",
            "millpond.live",
            "millpond.table/services",
            "millpond.v1.LookupService",
            "millpond.v1.MaintenanceService",
            "millpond.v1.StatsService",
        ];
        assert_eq!(names, expected);
        assert!(listed.values().all(|status| status.status() == ServingStatus::Serving));
        service.stop().await;
    });
}
