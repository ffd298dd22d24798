//! A relay between a caller and a service, which sees every connection, and holds back what the
//! caller sends now and then: it then arrives all at once, calls and their cancellations together, as
//! from a process that was paused.
//!
//! Of what it passes on it knows only how a service ends a connection.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use millpond_acceptance::frames::{Answer, Answers};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// For so long of each time, what the caller sends is held back.
const HELD: Duration = Duration::from_millis(200);
const EACH: Duration = Duration::from_millis(500);
const READ_BYTES: usize = 256 << 10;

/// What was seen of connections.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Connections that callers made.
    pub(crate) made: AtomicU64,
    /// How the service ended connections, other than without an error.
    pub(crate) ends: Mutex<Vec<String>>,
}

impl Seen {
    fn end(&self, how: String) {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).push(how);
    }
}

/// A running relay. It ends with its runtime.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
}

impl Relay {
    pub(crate) async fn start(service: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, seen) = (listener.local_addr()?, Arc::new(Seen::default()));
        tokio::spawn(accept(listener, service, Arc::clone(&seen)));
        Ok(Self { address, seen })
    }
}

async fn accept(listener: TcpListener, service: SocketAddr, seen: Arc<Seen>) {
    while let Ok((caller, _)) = listener.accept().await {
        seen.made.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(relay(caller, service, Arc::clone(&seen)));
    }
}

async fn relay(caller: TcpStream, service: SocketAddr, seen: Arc<Seen>) {
    let Ok(upstream) = TcpStream::connect(service).await else {
        return seen.end("not connected".into());
    };
    // An error means that the socket has ended, which the copying notices.
    let _ = caller.set_nodelay(true).and(upstream.set_nodelay(true));
    let (from_caller, to_caller) = caller.into_split();
    let (from_service, to_service) = upstream.into_split();
    tokio::select! {
        () = pass_held(from_caller, to_service) => {}
        () = pass_seen(from_service, to_caller, &seen) => {}
    }
}

/// Passes on what the caller sends, until it ends. Holds it back now and then.
async fn pass_held(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let (start, mut bytes) = (Instant::now(), vec![0; READ_BYTES]);
    loop {
        hold(start).await;
        let Ok(read @ 1..) = from.read(&mut bytes).await else { return };
        // Where the service has ended, its own end is noticed.
        let _ = to.write_all(bytes.get(..read).unwrap_or_default()).await;
    }
}

/// Passes on what the service sends, until it ends.
async fn pass_seen(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, seen: &Seen) {
    let (mut answers, mut bytes) = (Answers::default(), vec![0; READ_BYTES]);
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let read = bytes.get(..read).unwrap_or_default();
        for answer in answers.read(read) {
            if matches!(answer, Answer::GoAway(1..)) {
                seen.end(answer.to_string());
            }
        }
        let _ = to.write_all(read).await;
    }
}

/// Waits while bytes are held back.
async fn hold(start: Instant) {
    let millis = start.elapsed().as_millis() % EACH.as_millis();
    let into = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    sleep(HELD.saturating_sub(into)).await;
}
