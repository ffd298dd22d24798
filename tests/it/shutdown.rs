//! Shutdown: calls in flight are answered, and nothing delays the end beyond the deadline.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_stream::StreamExt;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

use crate::support::broker;
use crate::support::service::{PATIENCE, Service};

/// The first bytes of every HTTP/2 connection: the preface and an empty settings frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

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
        let status = tokio::time::timeout(PATIENCE, watch.next()).await.unwrap();
        assert_eq!(status.unwrap().unwrap().status(), ServingStatus::NotServing);
        assert!(watch.next().await.is_none_or(|end| end.is_err()));
        drop(watch);
        tokio::time::timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn a_call_in_flight_is_answered_to_its_end() {
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
        let (rpc, ended) = (service.rpc, service.ask_to_stop());
        while TcpStream::connect(rpc).await.is_ok() {
            tokio::task::yield_now().await;
        }
        ask.send(list_services()).await.unwrap();
        assert!(answers.next().await.unwrap().is_ok(), "it was asked before the end");
        drop((ask, answers));
        tokio::time::timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
    });
}

fn list_services() -> ServerReflectionRequest {
    let message_request = Some(MessageRequest::ListServices(String::new()));
    ServerReflectionRequest { host: String::new(), message_request }
}

#[test]
fn a_half_open_connection_does_not_outlast_the_deadline() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["shutdown.deadline=500ms"]).await;
        // One connection that never sends a byte, one that stops within the preface, and one that
        // is set up and then answers nothing.
        let _silent = TcpStream::connect(service.rpc).await.unwrap();
        let mut half = TcpStream::connect(service.rpc).await.unwrap();
        half.write_all(&PREFACE[..10]).await.unwrap();
        let mut mute = TcpStream::connect(service.rpc).await.unwrap();
        mute.write_all(PREFACE).await.unwrap();
        let mut settings = [0; 9];
        mute.read_exact(&mut settings).await.unwrap();

        let ended = service.ask_to_stop();
        tokio::time::timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
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
        tokio::time::timeout(PATIENCE, closed).await.unwrap();
    });
}
