//! A relay between a caller and a service, which sees every connection, and holds back what the
//! caller sends now and then: it then arrives all at once, calls and their cancellations together, as
//! from a process that was paused.
//!
//! Knows nothing of what it passes on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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
    /// Connections that the service closed before the caller did.
    pub(crate) lost: AtomicU64,
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
        seen.lost.fetch_add(1, Ordering::Relaxed);
        return;
    };
    // An error means that the socket has ended, which the copying notices.
    let _ = caller.set_nodelay(true).and(upstream.set_nodelay(true));
    let (from_caller, to_caller) = caller.into_split();
    let (from_service, to_service) = upstream.into_split();
    let start = Instant::now();
    tokio::select! {
        () = pass(from_caller, to_service, Some(start)) => {}
        () = pass(from_service, to_caller, None) => {
            seen.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Passes bytes on until the side that they come from has ended. Holds them back now and then,
/// counted from `start`, if there is one.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, start: Option<Instant>) {
    let mut bytes = vec![0; READ_BYTES];
    loop {
        if let Some(start) = start {
            hold(start).await;
        }
        let Ok(read @ 1..) = from.read(&mut bytes).await else { return };
        // Where the other side has ended, its own end is noticed.
        let _ = to.write_all(bytes.get(..read).unwrap_or_default()).await;
    }
}

/// Waits while bytes are held back.
async fn hold(start: Instant) {
    let millis = start.elapsed().as_millis() % EACH.as_millis();
    let into = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    sleep(HELD.saturating_sub(into)).await;
}
