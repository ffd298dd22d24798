//! The connections of the admin port: HTTP/1, few, short, and each with a small buffer.
//!
//! ```text
//! accepted -> silent (until its first byte) -> served
//! ```
//!
//! Probes have to be answered whatever somebody does to the port. So where there are as many
//! connections as there may be, the oldest of the peer with the most ends, and not the newest. A
//! connection takes one of the few places to be served only once it has sent something, and a probe
//! sends its request whole, so its answer does not wait for another peer. It knows no routes.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use crate::tls::{Tls, TlsConnection};

/// Connections that are served at once. Each takes some 20 KiB at most, and some 60 KiB with TLS.
const MAX_SERVED: usize = 32;
/// Connections that have sent nothing. Each takes a file and some hundred bytes. So a peer that
/// opens ten thousand a second leaves each of them ten milliseconds for its first byte.
const MAX_SILENT: usize = 128;
/// The time for a TLS handshake, the time to send the head of a request, and how long a connection
/// may have none.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection lives, whatever its peer does.
const MAX_AGE: Duration = Duration::from_secs(120);
/// The head of a request. hyper allows no less.
const BUFFER_BYTES: usize = 8 << 10;
const MAX_HEADERS: usize = 32;
/// How long to wait after the system refused a socket.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// The other end of a connection, as far as it is proved. Each request has it as an extension.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Its address.
    pub(super) address: SocketAddr,
    /// Its own certificate, verified, in DER.
    pub(super) certificate: Option<Arc<[u8]>>,
}

/// Accepts and serves connections until it is dropped.
pub(super) async fn serve(listener: TcpListener, tls: Option<Tls>, router: Router) -> Infallible {
    let mut silent = Connections::<Option<(SocketAddr, TcpStream)>>::new(MAX_SILENT);
    let mut served = Connections::new(MAX_SERVED);
    loop {
        tokio::select! {
            // What is there goes before what is new.
            biased;
            socket = silent.next_end() => {
                if let Some((peer, socket)) = socket.flatten() {
                    served.add(peer.ip(), serve_one(socket, peer, tls.clone(), router.clone()));
                }
            }
            _ = served.next_end() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => silent.add(peer.ip(), until_it_sends(peer, socket)),
                // Out of descriptors, mostly. To try again at once would fail again.
                Err(_) => sleep(REFUSED_PAUSE).await,
            },
        }
    }
}

/// Open connections, each in a task of its own, the oldest first.
struct Connections<T> {
    max: usize,
    tasks: JoinSet<T>,
    by_age: VecDeque<(IpAddr, AbortHandle)>,
}

impl<T: Send + 'static> Connections<T> {
    fn new(max: usize) -> Self {
        Self { max, tasks: JoinSet::new(), by_age: VecDeque::new() }
    }

    /// Adds a connection of this peer. Where there is no room, another ends.
    fn add(&mut self, peer: IpAddr, connection: impl Future<Output = T> + Send + 'static) {
        if self.by_age.len() >= self.max
            && let Some((_, connection)) = self.by_age.remove(self.position_to_free())
        {
            connection.abort();
        }
        self.by_age.push_back((peer, self.tasks.spawn(connection)));
    }

    /// The oldest connection of the peer that has the most.
    fn position_to_free(&self) -> usize {
        let mut counts = HashMap::<IpAddr, usize>::new();
        self.by_age.iter().for_each(|(peer, _)| *counts.entry(*peer).or_default() += 1);
        let most = counts.values().max().copied().unwrap_or_default();
        self.by_age.iter().position(|(peer, _)| counts[peer] == most).unwrap_or_default()
    }

    /// Waits for the next connection that ends, for ever if there is none. None for one that made
    /// room.
    async fn next_end(&mut self) -> Option<T> {
        let Some(ended) = self.tasks.join_next().await else { return pending().await };
        self.by_age.retain(|(_, connection)| !connection.is_finished());
        ended.ok()
    }
}

/// The socket once its peer has sent something. None if it sends nothing in time.
async fn until_it_sends(peer: SocketAddr, socket: TcpStream) -> Option<(SocketAddr, TcpStream)> {
    timeout(HEADER_TIMEOUT, socket.readable()).await.ok()?.ok()?;
    Some((peer, socket))
}

/// Serves a connection to its end. Whether it ended well or not: the peer knows.
async fn serve_one(socket: TcpStream, address: SocketAddr, tls: Option<Tls>, router: Router) {
    let Some(tls) = tls else {
        let peer = Peer { address, certificate: None };
        return serve_http(socket, peer, router, pending()).await;
    };
    if let Ok(Some(connection)) = timeout(HEADER_TIMEOUT, tls.accept(socket, address)).await {
        let TlsConnection { socket, mut client } = connection;
        let certificate = client.leaf().map(|leaf| leaf.as_ref().into());
        let peer = Peer { address, certificate };
        serve_http(socket, peer, router, client.lost()).await;
    }
}

async fn serve_http(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    peer: Peer,
    router: Router,
    until: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(BUFFER_BYTES)
        .max_headers(MAX_HEADERS);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request)
    });
    let connection = http.serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    let served = async {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = until => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    };
    let _ = timeout(MAX_AGE, served).await;
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn the_oldest_of_the_peer_with_the_most_makes_room() {
        let peer = |n| IpAddr::from(Ipv4Addr::new(127, 0, 0, n));
        let mut connections = Connections::new(4);
        for n in [1, 2, 3, 2, 2, 4] {
            connections.add(peer(n), pending::<()>());
        }
        let left: Vec<_> = connections.by_age.iter().map(|(peer, _)| *peer).collect();
        assert_eq!(left, [1, 3, 2, 4].map(peer));
    }
}
