//! The paths of `grpc.health.v1.Health`.
//!
//! What a status is, is not known here.

use std::convert::Infallible;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::service_fn;

use super::PublishedHealth;
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
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/grpc.health.v1.Health/Check" => check(&health, request).await,
                "/grpc.health.v1.Health/List" => list(&health, request).await,
                "/grpc.health.v1.Health/Watch" => watch(health, request).await,
                path => Status::unimplemented(format!("there is no method {path}")).into_http(),
            })
        })
    }
}

async fn check(health: &PublishedHealth, request: http::Request<Body>) -> http::Response<Body> {
    let check = |request: Request<HealthCheckRequest>| async move {
        health.check(&request.into_inner().service).map(Response::new)
    };
    Grpc::new(ProstCodec::default()).unary(service_fn(check), request).await
}

async fn list(health: &PublishedHealth, request: http::Request<Body>) -> http::Response<Body> {
    let list = |_: Request<HealthListRequest>| async { health.list().map(Response::new) };
    Grpc::new(ProstCodec::default()).unary(service_fn(list), request).await
}

async fn watch(health: PublishedHealth, request: http::Request<Body>) -> http::Response<Body> {
    let watch = |request: Request<HealthCheckRequest>| {
        let health = health.clone();
        async move { Ok(Response::new(health.watch(request.into_inner().service))) }
    };
    Grpc::new(ProstCodec::default()).server_streaming(service_fn(watch), request).await
}
