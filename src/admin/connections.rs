//! The connections of the admin port: HTTP/1, few, short, and each with a small buffer.
//!
//! Probes have to be answered whatever somebody does to the port. So where there are as many
//! connections as there may be, the oldest ends and not the newest. It knows no routes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Connections at once. Each takes some 20 KiB at most.
const MAX_CONNECTIONS: usize = 32;
/// The time to send the head of a request, and how long a connection may have none.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection lives, whatever its peer does.
const MAX_AGE: Duration = Duration::from_secs(120);
/// The head of a request. hyper allows no less.
const BUFFER_BYTES: usize = 8 << 10;
const MAX_HEADERS: usize = 32;
/// How long to wait after the system refused a socket.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// The open connections, the oldest first.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    by_age: VecDeque<AbortHandle>,
}

/// Accepts and serves connections until it is dropped.
pub(super) async fn serve(listener: TcpListener, router: Router) -> Infallible {
    let mut connections = Connections::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => connections.add(serve_one(socket, router.clone())),
                // Out of descriptors, mostly. To try again at once would fail again.
                Err(_) => sleep(REFUSED_PAUSE).await,
            },
            Some(_) = connections.tasks.join_next() => connections.forget_ended(),
        }
    }
}

impl Connections {
    fn add(&mut self, connection: impl Future<Output = ()> + Send + 'static) {
        if self.by_age.len() >= MAX_CONNECTIONS
            && let Some(oldest) = self.by_age.pop_front()
        {
            oldest.abort();
        }
        self.by_age.push_back(self.tasks.spawn(connection));
    }

    fn forget_ended(&mut self) {
        self.by_age.retain(|connection| !connection.is_finished());
    }
}

async fn serve_one(socket: TcpStream, router: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(BUFFER_BYTES)
        .max_headers(MAX_HEADERS);
    let connection = http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(router));
    // Whether it ended well or not: the peer knows.
    let _ = timeout(MAX_AGE, connection).await;
}
