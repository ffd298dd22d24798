//! Serves one connection: HTTP/2, its streams and its lifetime, in one task.
//!
//! Owns how much memory a connection may take, by HTTP/2's settings. What ends it comes from its
//! lifetime and from the registry.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::admission::{Admission, Admitted};
use super::call_service::{Answer, CallService};
use super::lifetime::{Lifetime, Step};
use super::peer::Peer;
use super::registry::Connection;
use super::securing::{certificate_lost, secure};
use super::socket::Socket;
use super::stats::CloseReason;
use super::streams::{NewStreams, Streams};
use super::transport::Transport;
use crate::config;
use crate::rpc::call_counters::ThreadCounters;
use crate::tls::ClientChain;

/// A connection that is silent for this long gets a ping. It is closed if no answer comes in time.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// What a peer may send before somebody reads it: HTTP/2's own initial value, so that it holds
/// before the peer knows our settings.
const WINDOW_BYTES: u32 = 65_535;
/// The smallest that HTTP/2 allows.
const FRAME_BYTES: u32 = 16 << 10;
/// A header list, in HTTP/2's own measure.
const HEADER_LIST_BYTES: u32 = 8 << 10;
/// A stream hands out no more of its response before the peer has taken some.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// Streams that the peer reset before we saw them. One turn reads fewer, so that no client loses its
/// connection for calls that it cancels. They are bounded by how fast the peer is read.
const MAX_RESETS: usize = 1_000;

/// Serves a connection to its end.
pub(super) async fn serve(
    socket: TcpStream,
    admitted: Admitted,
    admission: Arc<Admission>,
    counters: Arc<ThreadCounters>,
    service: impl Answer,
) {
    let connection = Arc::clone(&admitted.registered.connection);
    let mut lifetime =
        Lifetime::new(&admission.config, Instant::now(), fastrand::f64() * 2.0 - 1.0);
    let secured = secure(socket, admission.tls.as_ref(), &mut lifetime, &connection).await;
    let reason = match secured {
        Ok((socket, client)) => {
            let peer = Peer {
                address: connection.peer,
                certificate: client.as_ref().and_then(ClientChain::leaf).cloned(),
            };
            let weak = Arc::downgrade(&connection);
            let close = move || {
                if let Some(connection) = weak.upgrade() {
                    connection.ask_to_close(CloseReason::Unread);
                }
            };
            let service = service.for_connection(&peer, Box::new(close));
            let calls = CallService::new(
                service,
                Arc::clone(&admission),
                counters,
                Arc::clone(&connection),
            );
            let life = Life { lifetime, client, connection };
            serve_http2(socket, calls, life, &admission.config).await
        }
        Err(reason) => reason,
    };
    admission.count_closed(reason);
}

/// What a connection ends by.
struct Life {
    lifetime: Lifetime,
    client: Option<ClientChain>,
    connection: Arc<Connection>,
}

async fn serve_http2<S: Answer>(
    socket: Socket,
    calls: CallService<S>,
    life: Life,
    config: &config::Rpc,
) -> CloseReason {
    let new_streams = NewStreams::default();
    let transport = TokioIo::new(Transport::new(socket, Arc::clone(&life.connection.meter)));
    let settings = settings(config, new_streams.clone());
    let http2 = pin!(settings.serve_connection(transport, calls));
    run(http2, Streams::new(new_streams), life).await
}

type Http2<S> = http2::Connection<TokioIo<Transport>, CallService<S>, NewStreams>;

/// Runs a connection until it ends. Returns why it does.
async fn run<S: Answer>(
    mut http2: Pin<&mut Http2<S>>,
    mut streams: Streams,
    life: Life,
) -> CloseReason {
    let Life { mut lifetime, mut client, connection } = life;
    let mut step = lifetime.next(connection.observe());
    loop {
        let next = match step {
            Step::GoOn(next) => next,
            Step::BeginToClose(next) => {
                http2.as_mut().graceful_shutdown();
                next
            }
            Step::EndIncomplete(next) => {
                connection.calls.end_incomplete();
                next
            }
            Step::End(reason) => return reason,
        };
        let turn = poll_fn(|cx| {
            connection.meter.begin_turn();
            let read = http2.as_mut().poll(cx);
            if read.is_pending() {
                streams.run(cx);
            }
            read.map(drop)
        });
        step = tokio::select! {
            biased;
            () = turn => return lifetime.close_reason().unwrap_or(CloseReason::Peer),
            reason = connection.asked_to_close() => lifetime.close(reason, connection.observe()),
            () = certificate_lost(&mut client) => {
                lifetime.close(CloseReason::Certificate, connection.observe())
            }
            () = sleep_until(next) => lifetime.next(connection.observe()),
        };
    }
}

fn settings(config: &config::Rpc, streams: NewStreams) -> http2::Builder<NewStreams> {
    let mut settings = http2::Builder::new(streams);
    let max_streams = u32::try_from(config.max_streams_per_connection).unwrap_or(u32::MAX);
    settings
        .timer(TokioTimer::new())
        .max_concurrent_streams(max_streams)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(HEADER_LIST_BYTES)
        // An entry of the table is a slice of a read buffer, so a short one can hold 16 KiB. A peer
        // that changes the size of the table to more than we announce loses its connection.
        .header_table_size(0)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(MAX_RESETS)
        // It counts over the life of a connection, and what a client cancels too.
        .max_local_error_reset_streams(None)
        .auto_date_header(false);
    settings
}
