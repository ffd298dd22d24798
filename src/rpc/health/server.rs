//! The paths of `grpc.health.v1.Health`.
//!
//! What a status is, is not known here.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::service_fn;

use super::PublishedHealth;
use crate::access::Caller;
use crate::proto::health::{HealthCheckRequest, HealthListRequest};

/// Serves the states. Clones share them.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct HealthServer(pub(in crate::rpc) PublishedHealth);

impl NamedService for HealthServer {
    const NAME: &'static str = "grpc.health.v1.Health";
}

impl Service<http::Request<Body>> for HealthServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let health = self.0.clone();
        let Some(caller) = request.extensions().get::<Arc<Caller>>().cloned() else {
            let status = Status::internal("nobody knows who calls");
            return Box::pin(async move { Ok(status.into_http()) });
        };
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/grpc.health.v1.Health/Check" => check(&health, caller, request).await,
                "/grpc.health.v1.Health/List" => list(&health, caller, request).await,
                "/grpc.health.v1.Health/Watch" => watch(health, caller, request).await,
                path => Status::unimplemented(format!("there is no method {path}")).into_http(),
            })
        })
    }
}

async fn check(
    health: &PublishedHealth,
    caller: Arc<Caller>,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let check = |request: Request<HealthCheckRequest>| {
        let checked = health.check(&request.into_inner().service, &caller);
        async move { checked.map(Response::new) }
    };
    Grpc::new(ProstCodec::default()).unary(service_fn(check), request).await
}

async fn list(
    health: &PublishedHealth,
    caller: Arc<Caller>,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let list = |_: Request<HealthListRequest>| async { health.list(&caller).map(Response::new) };
    Grpc::new(ProstCodec::default()).unary(service_fn(list), request).await
}

async fn watch(
    health: PublishedHealth,
    caller: Arc<Caller>,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let watch = |request: Request<HealthCheckRequest>| {
        let watched = health.clone().watch(request.into_inner().service, &caller);
        async move { Ok(Response::new(watched)) }
    };
    Grpc::new(ProstCodec::default()).server_streaming(service_fn(watch), request).await
}
