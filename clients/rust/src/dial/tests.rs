//! Connections to a small service that cuts them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tonic::body::Body;
use tonic::codegen::http::Response;
use tonic::{Code, Status};

use super::*;
use crate::v1::ListTablesRequest;
use crate::v1::lookup_service_client::LookupServiceClient;

/// A service that answers each call with an error.
struct Service {
    endpoint: Endpoint,
    connections: Arc<AtomicUsize>,
    cut: Arc<Notify>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (connections, cut) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counted, cuts) = (Arc::clone(&connections), Arc::clone(&cut));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = service_fn(async |_| {
                    Ok::<Response<Body>, Infallible>(Status::not_found("").into_http())
                });
                let server = http2::Builder::new(TokioExecutor::new());
                tokio::select! {
                    _ = server.serve_connection(TokioIo::new(stream), answer) => {}
                    () = cuts.notified() => {}
                }
            }
        });
        Self { endpoint: Endpoint::from_shared(address).unwrap(), connections, cut }
    }

    fn dial(&self) -> Dial {
        Dial::new(self.endpoint.clone(), None)
    }

    fn connection_count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Cuts the connection, and calls until the client has noticed.
    async fn cut(&self, channel: &Channel) -> Status {
        self.cut.notify_one();
        let mut status = call(channel).await;
        while status.code() == Code::NotFound && self.connection_count() == 1 {
            status = call(channel).await;
        }
        status
    }
}

async fn call(channel: &Channel) -> Status {
    let mut lookup = LookupServiceClient::new(channel.clone());
    lookup.list_tables(ListTablesRequest::default()).await.unwrap_err()
}

#[tokio::test]
async fn a_channel_that_connects_once_makes_no_calls_by_another_connection() {
    let service = Service::start().await;
    let channel = service.dial().connect_once();
    assert_eq!(call(&channel).await.code(), Code::NotFound, "it is answered");
    service.cut(&channel).await;
    for _ in 0..5 {
        assert_ne!(call(&channel).await.code(), Code::NotFound);
    }
    assert_eq!(service.connection_count(), 1);
}

#[tokio::test]
async fn other_channels_connect_again() {
    let service = Service::start().await;
    let channel = service.dial().connect_lazy();
    assert_eq!(call(&channel).await.code(), Code::NotFound);
    service.cut(&channel).await;
    while call(&channel).await.code() != Code::NotFound {}
    assert_eq!(service.connection_count(), 2);
}
