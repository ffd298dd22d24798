//! A collector of OTLP: takes spans and metrics, and shows what it got.
//!
//! Knows nothing of the service, nor of the tests.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use millpond::telemetry::otlp::messages::{
    EXPORT_METRICS, EXPORT_TRACES, ExportMetricsServiceRequest, ExportResponse,
    ExportTraceServiceRequest, KeyValue, Metric, Resource, Span,
};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::service::PATIENCE;

/// A running collector. It ends when it is dropped.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Received>>,
    server: JoinHandle<()>,
}

/// What came, in the order of arrival.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) resources: Vec<Resource>,
    pub(crate) spans: Vec<Span>,
    pub(crate) metrics: Vec<Metric>,
}

/// One of the protocol's services.
struct Export<R> {
    received: Arc<Mutex<Received>>,
    request: PhantomData<fn(R)>,
}

/// What a service takes.
trait Exported: Message + Default + 'static {
    const SERVICE: &'static str;
    const PATH: &'static str;

    fn add_to(self, received: &mut Received);
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Received>>::default();
        let server = Server::builder()
            .add_service(Export::<ExportTraceServiceRequest>::new(&received))
            .add_service(Export::<ExportMetricsServiceRequest>::new(&received))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let server = tokio::spawn(async { server.await.unwrap() });
        Self { address, received, server }
    }

    /// The settings of a service that sends what callers sample, soon.
    pub(crate) fn settings(&self, more: &[&str]) -> Vec<String> {
        let basics = [
            format!("otlp.endpoint=http://{}", self.address),
            "otlp.sample_ratio=0%".into(),
            "otlp.batch_interval=100ms".into(),
        ];
        basics.into_iter().chain(more.iter().map(ToString::to_string)).collect()
    }

    /// What is found in all that came, as soon as it is there.
    pub(crate) async fn wait_for<T>(&self, what: &str, find: impl Fn(&Received) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = find(&self.received.lock().unwrap()) {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What is found in all that came until now.
    pub(crate) fn show<T>(&self, find: impl FnOnce(&Received) -> T) -> T {
        find(&self.received.lock().unwrap())
    }

    /// The spans, as soon as there are so many.
    pub(crate) async fn spans(&self, count: usize) -> Vec<Span> {
        let find =
            |received: &Received| (received.spans.len() >= count).then(|| received.spans.clone());
        self.wait_for("spans", find).await
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The text of an attribute.
pub(crate) fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.as_ref()?.string_value.as_deref()
}

impl<R> Export<R> {
    fn new(received: &Arc<Mutex<Received>>) -> Self {
        Self { received: Arc::clone(received), request: PhantomData }
    }
}

impl<R> Clone for Export<R> {
    fn clone(&self) -> Self {
        Self::new(&self.received)
    }
}

impl<R: Exported> NamedService for Export<R> {
    const NAME: &'static str = R::SERVICE;
}

impl<R: Exported> Service<http::Request<Body>> for Export<R> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        assert_eq!(request.uri().path(), R::PATH);
        let method = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<ExportResponse, R>::default());
            Ok(grpc.unary(method, request).await)
        })
    }
}

impl<R: Exported> UnaryService<R> for Export<R> {
    type Response = ExportResponse;
    type Future = Ready<Result<Response<ExportResponse>, Status>>;

    fn call(&mut self, request: Request<R>) -> Self::Future {
        request.into_inner().add_to(&mut self.received.lock().unwrap());
        ready(Ok(Response::new(ExportResponse::default())))
    }
}

impl Exported for ExportTraceServiceRequest {
    const SERVICE: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
    const PATH: &'static str = EXPORT_TRACES;

    fn add_to(self, received: &mut Received) {
        for of_process in self.resource_spans {
            received.resources.extend(of_process.resource);
            let scopes = of_process.scope_spans.into_iter();
            received.spans.extend(scopes.flat_map(|scope| scope.spans));
        }
    }
}

impl Exported for ExportMetricsServiceRequest {
    const SERVICE: &'static str = "opentelemetry.proto.collector.metrics.v1.MetricsService";
    const PATH: &'static str = EXPORT_METRICS;

    fn add_to(self, received: &mut Received) {
        for of_process in self.resource_metrics {
            received.resources.extend(of_process.resource);
            let scopes = of_process.scope_metrics.into_iter();
            received.metrics.extend(scopes.flat_map(|scope| scope.metrics));
        }
    }
}
