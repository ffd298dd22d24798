//! Accepts connections, serves them, and closes them when the service stops.
//!
//! ```text
//! listener -> admission (caps, room) -> connection (TLS, HTTP/2, lifetime) -> calls -> the service
//! ```
//!
//! Every connection and every stream has a place under a cap, and takes a known amount of memory.
//! This module knows HTTP/2 and time; it knows neither methods nor messages. The paths of calls go to
//! `call_counters.rs`, which counts and traces them.

mod admission;
mod call_service;
mod calls;
mod caps;
mod connection;
mod frame_heads;
mod lifetime;
mod peer;
mod registry;
mod securing;
mod socket;
mod stats;
mod streams;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use admission::Admission;
pub(super) use call_service::{Answer, Answering, RequestBody};
pub(super) use peer::Peer;
pub use registry::UnfinishedCall;

use crate::config;
use crate::stats::{ConnectionStats, MethodStats};
use crate::tls::Tls;
use crate::trace::Tracer;

/// The most that a connection takes, whatever its peer does: its buffers, in which a frame may be
/// half read and another half written, and what HTTP/2 keeps. Measured.
pub const CONNECTION_BYTES: u64 = 64 << 10;
/// The most that a stream takes beside the request and the response. Measured.
pub const STREAM_BYTES: u64 = 5 << 10;

/// What the listeners of the server share. Clones share it too.
#[derive(Debug, Clone)]
pub struct Net(Arc<Admission>);

impl Net {
    /// With the caps and the times of this configuration, and TLS if there is any. The calls that
    /// `tracer` samples are traced.
    pub fn new(config: config::Rpc, tls: Option<Tls>, tracer: Option<Tracer>) -> Self {
        Self(Arc::new(Admission::new(config, tls, tracer)))
    }

    /// Accepts connections until `stopping` is true, and serves each in a task of its own.
    pub(super) async fn accept(
        self,
        listener: TcpListener,
        service: impl Answer,
        mut stopping: watch::Receiver<bool>,
    ) {
        // All that is accepted here is served by this thread.
        let counters = self.0.calls.add_thread();
        loop {
            let (socket, admitted) = tokio::select! {
                // An error means that the sender was dropped, and with it the server.
                _ = stopping.wait_for(|stopping| *stopping) => return,
                accepted = self.0.next(&listener) => accepted,
            };
            // Small responses must not wait for more to send. A peer that is gone is noticed later.
            let _ = socket.set_nodelay(true);
            let (admission, counters) = (Arc::clone(&self.0), Arc::clone(&counters));
            let served = connection::serve(socket, admitted, admission, counters, service.clone());
            tokio::spawn(served);
        }
    }

    /// Closes all connections, and returns when they are closed: at once if they are idle or half
    /// open, and else when the calls in progress are answered.
    pub(super) async fn close_all(&self) {
        self.0.close_all().await;
    }

    /// How long a peer may take to send a request.
    pub(super) fn request_timeout(&self) -> Duration {
        self.0.config.request_timeout
    }

    /// What is open, and what happened since the start of the process.
    pub fn stats(&self) -> ConnectionStats {
        self.0.stats()
    }

    /// The calls since the start of the process, by method.
    pub fn calls(&self) -> Vec<MethodStats> {
        self.0.calls.read()
    }

    /// The calls that have not ended, those first that began first.
    pub fn unfinished_calls(&self) -> Vec<UnfinishedCall> {
        self.0.registry().unfinished()
    }
}
