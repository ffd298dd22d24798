//! The id of a call: in every error, whoever made it, and the caller's own where it is sane.

use millpond::proto::health::HealthCheckRequest;
use millpond::proto::health::health_client::HealthClient;
use millpond::proto::v1::GetRequest;
use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond_client::AuthorizedChannel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::support::broker;
use crate::support::service::Service;

/// The error of a lookup in a table that is not there, with this id.
async fn failed_lookup(channel: AuthorizedChannel, id: Option<&str>) -> Status {
    let message = GetRequest { table: "nothing".into(), key: "a".into(), ..Default::default() };
    let mut request = Request::new(message);
    if let Some(id) = id {
        request.metadata_mut().insert("x-request-id", id.parse().unwrap());
    }
    LookupServiceClient::new(channel).get(request).await.unwrap_err()
}

fn id_of(status: &Status) -> String {
    let info = status.get_details_request_info();
    info.unwrap_or_else(|| panic!("no id: {status:?}")).request_id
}

#[test]
fn an_error_has_the_id_of_its_caller_beside_its_reason() {
    broker::in_process(async |broker| {
        let service = Service::start(broker, &broker.create_topic(1).await, &[]).await;
        let status = failed_lookup(service.channel(), Some("order-42/7")).await;
        assert_eq!((status.code(), id_of(&status).as_str()), (Code::NotFound, "order-42/7"));
        let reason = status.get_details_error_info().unwrap();
        assert_eq!(reason.reason, "ERROR_REASON_TABLE_NOT_FOUND");
        assert_eq!(reason.metadata["table"], "nothing");
        assert!(status.message().contains("nothing"), "{status:?}");
        service.stop().await;
    });
}

#[test]
fn a_call_without_a_sane_id_gets_one_of_its_own() {
    broker::in_process(async |broker| {
        let service = Service::start(broker, &broker.create_topic(1).await, &[]).await;
        let mut ids = Vec::new();
        for given in [None, None, Some(""), Some("two words"), Some(&*"x".repeat(65))] {
            let id = id_of(&failed_lookup(service.channel(), given).await);
            assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
            ids.push(id);
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 5);
        service.stop().await;
    });
}

#[test]
fn an_error_of_the_standard_services_has_an_id_too() {
    broker::in_process(async |broker| {
        let service = Service::start(broker, &broker.create_topic(1).await, &[]).await;
        let mut request = Request::new(HealthCheckRequest { service: "nothing".into() });
        request.metadata_mut().insert("x-request-id", "probe-1".parse().unwrap());
        let mut health = HealthClient::new(service.channel());
        let status = health.check(request).await.unwrap_err();
        assert_eq!((status.code(), id_of(&status).as_str()), (Code::NotFound, "probe-1"));
        service.stop().await;
    });
}
