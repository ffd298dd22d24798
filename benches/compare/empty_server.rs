//! The yardstick of every call: tonic's own server on a runtime with several threads. Its requests
//! and answers are empty.
//!
//! It is the stack that millpond had when the yardstick was set, and shares nothing with the server
//! that millpond has now: a faster server must not move its own goal.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use millpond_acceptance::report::say;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::raw_codec::RawCodec;
use millpond_acceptance::process::OwnedProcess;
use millpond_benches::setup::on_core;

pub(crate) const PATH: &str = "/millpond.bench.Empty/Call";

/// A listening server. It ends on drop.
pub(crate) struct EmptyServer {
    process: OwnedProcess,
    /// Its address: `host:port`.
    pub(crate) rpc: String,
}

impl EmptyServer {
    pub(crate) fn start(core: Option<usize>) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = on_core(core, program.to_str().context("the path is not UTF-8")?);
        let mut process = OwnedProcess::start(command.arg("empty-server").stdout(Stdio::piped()))?;
        let output = process.stdout.take().context("no output")?;
        let mut rpc = String::new();
        BufReader::new(output).read_line(&mut rpc)?;
        Ok(Self { process, rpc: rpc.trim().to_owned() })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// The process that [`EmptyServer::start`] starts.
pub(crate) fn serve() -> anyhow::Result<()> {
    // As many threads as there are cores, also if that is one.
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        say(&listener.local_addr()?.to_string());
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder()
            .max_concurrent_streams(256)
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_keepalive_timeout(Some(Duration::from_secs(10)))
            .add_service(Empty);
        Ok(server.serve_with_incoming(incoming).await?)
    })
}

#[derive(Debug, Clone, Copy)]
struct Empty;

impl NamedService for Empty {
    const NAME: &'static str = "millpond.bench.Empty";
}

impl Service<http::Request<Body>> for Empty {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async { Ok(Grpc::new(RawCodec).unary(Empty, request).await) })
    }
}

impl UnaryService<Bytes> for Empty {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(Bytes::new())))
    }
}
