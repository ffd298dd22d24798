//! The connections of the admin port: HTTP/1, few, short, and each with a small buffer.
//!
//! ```text
//! accepted -> silent (until its first byte) -> served
//! ```
//!
//! Probes have to be answered whatever somebody does to the port. So where there are as many
//! connections as there may be, the oldest of the peer with the most ends, and not the newest, and
//! one whose request is being answered ends last. A connection takes one of the few places to be
//! served only once it has sent something, and it runs once before the next one can take its place.
//! A probe sends its request whole, so it is answered in that one run. This module knows no routes.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet, yield_now};
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
                    let answering = Answering::default();
                    let connection =
                        serve_one(socket, peer, tls.clone(), router.clone(), answering.clone());
                    served.add(peer.ip(), answering, connection);
                }
            }
            _ = served.next_end() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    silent.add(peer.ip(), Answering::default(), until_it_sends(peer, socket));
                }
                // Out of descriptors, mostly. To try again at once would fail again.
                Err(_) => sleep(REFUSED_PAUSE).await,
            },
        }
        // Many sockets can be ready at once. Without this the last of them would end the first
        // before its task has run at all.
        yield_now().await;
    }
}

/// Whether a request of a connection is being answered, as its task says.
#[derive(Debug, Clone, Default)]
struct Answering(Arc<AtomicBool>);

impl Answering {
    /// Waits for the answer, and is true until then. It stays true if the connection ends before.
    async fn during<T>(&self, answer: impl Future<Output = T>) -> T {
        self.0.store(true, Ordering::Relaxed);
        let answer = answer.await;
        self.0.store(false, Ordering::Relaxed);
        answer
    }

    fn is_true(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Open connections, each in a task of its own.
struct Connections<T> {
    max: usize,
    tasks: JoinSet<T>,
    /// The oldest is the first.
    open: VecDeque<Open>,
}

struct Open {
    peer: IpAddr,
    answering: Answering,
    task: AbortHandle,
}

impl<T: Send + 'static> Connections<T> {
    fn new(max: usize) -> Self {
        Self { max, tasks: JoinSet::new(), open: VecDeque::new() }
    }

    /// Adds a connection of this peer. Where there is no room, another ends.
    fn add(
        &mut self,
        peer: IpAddr,
        answering: Answering,
        connection: impl Future<Output = T> + Send + 'static,
    ) {
        if self.open.len() >= self.max
            && let Some(least) = self.open.remove(self.position_to_free())
        {
            least.task.abort();
        }
        let task = self.tasks.spawn(connection);
        self.open.push_back(Open { peer, answering, task });
    }

    /// The oldest connection of the peer that has the most, among those that are not answering if
    /// there are any.
    fn position_to_free(&self) -> usize {
        let mut counts = HashMap::<IpAddr, usize>::new();
        self.open.iter().for_each(|open| *counts.entry(open.peer).or_default() += 1);
        let rank = |open: &Open| (open.answering.is_true(), Reverse(counts[&open.peer]));
        let by_rank = self.open.iter().enumerate().min_by_key(|(_, open)| rank(open));
        by_rank.map(|(position, _)| position).unwrap_or_default()
    }

    /// Waits for the next connection that ends, for ever if there is none. None for one that made
    /// room.
    async fn next_end(&mut self) -> Option<T> {
        let Some(ended) = self.tasks.join_next().await else { return pending().await };
        self.open.retain(|open| !open.task.is_finished());
        ended.ok()
    }
}

/// The socket once its peer has sent something. None if it sends nothing in time.
async fn until_it_sends(peer: SocketAddr, socket: TcpStream) -> Option<(SocketAddr, TcpStream)> {
    timeout(HEADER_TIMEOUT, socket.readable()).await.ok()?.ok()?;
    Some((peer, socket))
}

/// Serves a connection to its end. Whether it ended well or not: the peer knows.
async fn serve_one(
    socket: TcpStream,
    address: SocketAddr,
    tls: Option<Tls>,
    router: Router,
    answering: Answering,
) {
    let Some(tls) = tls else {
        let peer = Peer { address, certificate: None };
        return serve_http(socket, peer, router, answering, pending()).await;
    };
    if let Ok(Some(connection)) = timeout(HEADER_TIMEOUT, tls.accept(socket, address)).await {
        let TlsConnection { socket, mut client } = connection;
        let certificate = client.leaf().map(|leaf| leaf.as_ref().into());
        let peer = Peer { address, certificate };
        serve_http(socket, peer, router, answering, client.lost()).await;
    }
}

async fn serve_http(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    peer: Peer,
    router: Router,
    answering: Answering,
    until: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(BUFFER_BYTES)
        .max_headers(MAX_HEADERS);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let (answer, answering) = (router.clone().oneshot(request), answering.clone());
        async move { answering.during(answer).await }
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

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpSocket;

    use super::*;

    fn peer(number: u8) -> IpAddr {
        IpAddr::from(Ipv4Addr::new(127, 0, 0, number))
    }

    /// The peers of the connections that are left, the oldest first.
    fn left(connections: &Connections<()>) -> Vec<IpAddr> {
        connections.open.iter().map(|open| open.peer).collect()
    }

    #[tokio::test]
    async fn the_oldest_of_the_peer_with_the_most_makes_room() {
        let mut connections = Connections::new(4);
        for number in [1, 2, 3, 2, 2, 4] {
            connections.add(peer(number), Answering::default(), pending::<()>());
        }
        assert_eq!(left(&connections), [1, 3, 2, 4].map(peer));
    }

    #[tokio::test]
    async fn a_connection_that_is_answering_makes_room_last() {
        let mut connections = Connections::new(3);
        let answering = Answering::default();
        let busy = answering.clone();
        connections.add(peer(1), answering, async move { busy.during(pending()).await });
        yield_now().await;
        for number in 2..=9 {
            connections.add(peer(number), Answering::default(), pending::<()>());
        }
        assert_eq!(left(&connections), [1, 8, 9].map(peer));
    }

    /// A connection of this peer, which has sent this.
    async fn connected(to: SocketAddr, number: u8, sent: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(peer(number), 0)).unwrap();
        let mut connection = socket.connect(to).await.unwrap();
        connection.write_all(sent.as_bytes()).await.unwrap();
        connection
    }

    #[tokio::test]
    async fn a_whole_request_is_answered_before_half_ones_of_many_peers_take_its_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let half = "GET / HTTP/1.1\r\nhost: test\r\n";
        let whole = format!("{half}connection: close\r\n\r\n");
        let mut probe = connected(address, 2, &whole).await;
        let mut others = Vec::new();
        for number in 3..100 {
            others.push(connected(address, number, half).await);
        }
        let router = Router::new().route("/", get(async || "here"));
        let mut answer = String::new();
        tokio::select! {
            never = serve(listener, None, router) => match never {},
            read = probe.read_to_string(&mut answer) => { read.unwrap(); }
        }
        assert!(answer.ends_with("here"), "{answer}");
    }
}
