//! The admin port: probes are answered whatever somebody does to it.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::broker;
use crate::support::http2::PREFACE;
use crate::support::service::{PATIENCE, Service};

/// Sends these bytes on a new connection, and returns what comes until the service closes it.
async fn sent(admin: SocketAddr, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(admin).await.unwrap();
    // The service may close it before it has read all.
    let _ = connection.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, connection.read_to_end(&mut answer)).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

/// What `GET` answers for this path.
pub(crate) async fn get(admin: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    sent(admin, request.as_bytes()).await
}

#[test]
fn probes_are_answered_beside_connections_that_say_nothing_or_half_a_request() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut open = Vec::new();
        for n in 0..200 {
            let mut connection = TcpStream::connect(service.admin).await.unwrap();
            if n % 2 == 0 {
                connection.write_all(b"GET /livez HTTP/1.1\r\nhost:").await.unwrap();
            }
            open.push(connection);
        }
        for path in ["/livez", "/readyz"] {
            assert!(get(service.admin, path).await.starts_with("HTTP/1.1 200"));
        }
        drop(open);
        service.stop().await;
    });
}

#[test]
fn a_connection_is_used_for_several_requests() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let request = "GET /livez HTTP/1.1\r\nhost: test\r\n";
        let twice = format!("{request}\r\n{request}connection: close\r\n\r\n");
        let answers = sent(service.admin, twice.as_bytes()).await;
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
        service.stop().await;
    });
}

#[test]
fn large_heads_and_other_protocols_are_refused() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let long = format!("GET /livez HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(1 << 20));
        let many = format!("GET /livez HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(100));
        for bytes in
            [long.as_bytes(), many.as_bytes(), PREFACE, &[22, 3, 1, 0, 40, 1, 0, 0, 13, 10]]
        {
            let answer = sent(service.admin, bytes).await;
            assert!(!answer.contains("200 OK"), "{answer}");
        }
        assert!(get(service.admin, "/livez").await.starts_with("HTTP/1.1 200"));
        service.stop().await;
    });
}
