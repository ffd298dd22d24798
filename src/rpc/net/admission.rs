//! Lets connections in: a cap in all, a cap for each peer, and room made by closing idle ones.
//!
//! Owns the caps, the register of what is open, and the counters. It knows no protocol.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::caps::{PeerCap, PeerPlace, StreamCap};
use super::registry::{Registered, Registry};
use super::stats::{CloseReason, ConnectionStats, Counters};
use crate::config;
use crate::rpc::call_counters::CallCounters;
use crate::tls::Tls;
use crate::trace::Tracer;

/// Where all connections are busy, how soon to look again for one that is idle by then.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);
/// How long to wait after the system refused a socket.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);
/// A fault that goes on is logged this often.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What all listeners and connections share.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) config: config::Rpc,
    pub(super) tls: Option<Tls>,
    pub(super) streams: StreamCap,
    pub(super) counters: Counters,
    pub(super) calls: CallCounters,
    registry: Registry,
    slots: Arc<Semaphore>,
    peers: PeerCap,
    /// When it was last logged that the system refuses sockets.
    logged: Mutex<Option<Instant>>,
}

/// A connection that was let in. It counts as open until this is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) registered: Registered,
    _slot: OwnedSemaphorePermit,
    _place: PeerPlace,
}

impl Admission {
    pub(super) fn new(config: config::Rpc, tls: Option<Tls>, tracer: Option<Tracer>) -> Self {
        Self {
            streams: StreamCap::new(config.max_streams.get(), config.max_connections.get()),
            counters: Counters::default(),
            calls: CallCounters::new(tracer),
            registry: Registry::default(),
            slots: Arc::new(Semaphore::new(config.max_connections.get())),
            peers: PeerCap::new(config.max_connections_per_peer.get()),
            logged: Mutex::default(),
            config,
            tls,
        }
    }

    /// Waits for the next connection that there is room for.
    pub(super) async fn next(&self, listener: &TcpListener) -> (TcpStream, Admitted) {
        loop {
            let (socket, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.observe_refusal(&error).await;
                    continue;
                }
            };
            let Some(place) = self.peers.enter(peer.ip()) else {
                self.counters.count_refused();
                continue;
            };
            let Some(slot) = self.slot(peer.ip()).await else {
                self.counters.count_refused();
                continue;
            };
            self.counters.count_accepted();
            let registered = self.registry.add(peer);
            return (socket, Admitted { registered, _slot: slot, _place: place });
        }
    }

    /// Waits for a slot. Nothing else is accepted meanwhile, so further connections wait with the
    /// system. So a peer that has more than the others does not wait for a connection that is not
    /// idle yet: those behind it would wait too.
    async fn slot(&self, peer: IpAddr) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                return Some(slot);
            }
            let has_more = |other| self.peers.has_more(other, peer);
            let is_asked = self.registry.make_room(Instant::now(), has_more);
            if !is_asked && self.peers.is_largest(peer) {
                return None;
            }
            let slot = timeout(RETRY_INTERVAL, Arc::clone(&self.slots).acquire_owned()).await;
            if let Ok(Ok(slot)) = slot {
                return Some(slot);
            }
        }
    }

    /// The system has no descriptor or no memory left, or the peer left before it was accepted.
    /// In the first case trying again at once would fail again.
    async fn observe_refusal(&self, error: &io::Error) {
        let is_of_peer = [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::ConnectionRefused,
        ];
        if is_of_peer.contains(&error.kind()) {
            return;
        }
        if self.marks_log_due() {
            tracing::warn!(
                %error,
                open_connections = self.registry.count(),
                "cannot accept connections; raise the limit of open files or lower \
                 rpc.max_connections"
            );
        }
        self.registry.make_room(Instant::now(), |_| false);
        sleep(REFUSED_PAUSE).await;
    }

    /// Whether a fault has to be logged now. It then counts as logged.
    fn marks_log_due(&self) -> bool {
        let mut logged = self.logged.lock();
        let is_due = logged.is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if is_due {
            *logged = Some(Instant::now());
        }
        is_due
    }

    /// Asks all connections to close, and waits until they are closed.
    pub(super) async fn close_all(&self) {
        self.registry.close_all();
        let all = u32::try_from(self.config.max_connections.get()).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.slots.acquire_many(all).await;
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn count_closed(&self, reason: CloseReason) {
        self.counters.count_closed(reason);
    }

    pub(super) fn stats(&self) -> ConnectionStats {
        self.counters.read(self.registry.count(), self.registry.count_calls())
    }
}
