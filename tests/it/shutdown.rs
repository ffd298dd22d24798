//! Shutdown: calls in flight are answered, and nothing delays the end beyond the deadline.

use millpond::proto::v1::stats_service_client::StatsServiceClient;
use millpond::proto::v1::{ErrorReason, GetStatsRequest};
use millpond_client::health::HealthCheckRequest;
use millpond_client::health::health_check_response::ServingStatus;
use millpond_client::health::health_client::HealthClient;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

use crate::admin_port::get;
use crate::lookups::assert_error;
use crate::slow_callers::{LARGE, ask_in_vain, ask_slowly, service_with_large_entries};
use crate::support::broker;
use crate::support::http2::{DATA, Http2, PREFACE, call, headers};
use crate::support::service::{PATIENCE, Service};

#[test]
fn health_watches_are_notified_and_closed() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        // The deadline is never reached: an open health watch must not delay the end.
        let service = Service::ready(broker, &topic, &["shutdown.deadline=1h"]).await;
        let mut client = HealthClient::new(service.channel());
        let request = HealthCheckRequest { service: String::new() };
        let mut watch = client.watch(request).await.unwrap().into_inner();
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);

        drop(client);
        let ended = service.ask_to_stop();
        let status = timeout(PATIENCE, watch.next()).await.unwrap();
        assert_eq!(status.unwrap().unwrap().status(), ServingStatus::NotServing);
        assert!(watch.next().await.is_none_or(|end| end.is_err()));
        drop(watch);
        timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn a_call_in_progress_is_answered_to_its_end() {
    broker::in_process(async |broker| {
        let settings = ["tables.0.capacity=64MiB", "shutdown.deadline=1h"];
        let service = service_with_large_entries(broker, &settings).await;
        let mut unread = timeout(PATIENCE, ask_slowly(&service)).await.unwrap().unwrap();

        let (rpc, ended) = (service.rpc, service.ask_to_stop());
        // It is read meanwhile: a caller that takes nothing for most of a second is given up.
        let refused = async {
            while TcpStream::connect(rpc).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        let (answer, ()) = tokio::join!(timeout(PATIENCE, unread.message()), refused);
        assert_eq!(answer.unwrap().unwrap().unwrap().results.len(), LARGE);
        drop(unread);
        timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn a_call_whose_request_is_not_complete_is_sent_elsewhere() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["shutdown.deadline=1h"]).await;
        let (ask, asked) = tokio::sync::mpsc::channel(1);
        let mut client = ServerReflectionClient::new(service.channel());
        let requests = tokio_stream::wrappers::ReceiverStream::new(asked);
        ask.send(list_services()).await.unwrap();
        let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
        assert!(answers.next().await.unwrap().is_ok());

        drop(client);
        let ended = service.ask_to_stop();
        let end = timeout(PATIENCE, answers.next()).await.unwrap().unwrap().unwrap_err();
        assert_error(&end, Code::Unavailable, ErrorReason::Draining);
        timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
        drop(ask);
    });
}

fn list_services() -> ServerReflectionRequest {
    let message_request = Some(MessageRequest::ListServices(String::new()));
    ServerReflectionRequest { host: String::new(), message_request }
}

#[test]
fn peers_that_say_nothing_do_not_delay_the_end() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["shutdown.deadline=1h"]).await;
        // One connection that never sends a byte, one that stops within the preface, one that is set
        // up and then answers nothing, one with half a request, and one with a call that it watches.
        let _silent = Http2::silent(service.rpc).await;
        let mut half = Http2::silent(service.rpc).await;
        half.send(&PREFACE[..10]).await;
        let _mute = Http2::connect(service.rpc).await;
        let mut half_request = Http2::connect(service.rpc).await;
        half_request.send(&headers(1, "/millpond.v1.LookupService/Get")).await;
        let mut watching = Http2::connect(service.rpc).await;
        watching.send(&call(1, "/grpc.health.v1.Health/Watch")).await;
        watching.wait_for(DATA).await;

        let ended = service.ask_to_stop();
        timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn a_caller_that_does_not_read_its_answer_does_not_delay_the_end() {
    broker::in_process(async |broker| {
        let settings = ["tables.0.capacity=64MiB", "shutdown.deadline=1h", "rpc.pool=6MiB"];
        let service = service_with_large_entries(broker, &settings).await;
        let _unread = timeout(PATIENCE, ask_slowly(&service)).await.unwrap().unwrap();
        // They wait for the memory that the first one holds.
        ask_in_vain(&service, 10);
        let ended = service.ask_to_stop();
        timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn until_the_delay_is_over_the_service_says_that_it_is_not_serving_and_answers() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let settings = ["shutdown.delay=50m", "shutdown.deadline=1h"];
        let service = Service::ready(broker, &topic, &settings).await;
        let (rpc, admin, channel) = (service.rpc, service.admin, service.channel());
        let ended = service.ask_to_stop();
        let mut health = HealthClient::new(channel.clone());
        let check = HealthCheckRequest { service: String::new() };
        while health.check(check.clone()).await.unwrap().into_inner().status()
            == ServingStatus::Serving
        {
            tokio::task::yield_now().await;
        }
        assert!(get(admin, "/readyz").await.contains("503"));
        assert!(get(admin, "/livez").await.contains("200"));
        // On an old connection and on a new one.
        StatsServiceClient::new(channel).get_stats(GetStatsRequest {}).await.unwrap();
        let mut new = Http2::connect(rpc).await;
        new.send(&call(1, "/grpc.health.v1.Health/Check")).await;
        new.wait_for(DATA).await;
        ended.abort();
    });
}

#[test]
fn a_stopped_service_takes_no_more_connections() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let (rpc, admin) = (service.rpc, service.admin);
        service.stop().await;
        assert!(TcpStream::connect(rpc).await.is_err());
        let closed = async {
            while TcpStream::connect(admin).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, closed).await.unwrap();
    });
}
