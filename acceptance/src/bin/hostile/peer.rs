//! A hostile peer: what the kinds of peers have in common.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::outcome::Outcome;
use crate::target::Target;

pub(crate) type Attack<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What a peer is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    /// What it does, in a few words.
    pub(crate) does: &'static str,
    /// Connections that it keeps up at once.
    pub(crate) connections: u16,
    /// Addresses that they come from, in turn.
    pub(crate) addresses: u16,
    /// The time before a connection that was closed is made again.
    pub(crate) pause: Duration,
}

/// A kind of hostile peer.
pub(crate) trait Peer: Send + Sync {
    fn about(&self) -> &About;

    /// Attacks over one connection, until it is closed. `address` is the number of the address that
    /// it comes from.
    fn attack<'a>(&'a self, target: &'a Target, address: u16, outcome: &'a Outcome) -> Attack<'a>;
}

impl About {
    /// A peer with one address.
    pub(crate) const fn new(name: &'static str, does: &'static str, connections: u16) -> Self {
        let pause = Duration::from_millis(100);
        Self { name, does, connections, addresses: 1, pause }
    }

    pub(crate) const fn with_addresses(self, addresses: u16) -> Self {
        Self { addresses, ..self }
    }

    pub(crate) const fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, does, connections, addresses, .. } = self;
        write!(f, "{name:<26} {connections:>5} connections from {addresses:>3} addresses: {does}")
    }
}

/// Attacks with the connections of a peer, but at most so many, until the time is over.
pub(crate) async fn attack(
    peer: Arc<dyn Peer>,
    target: Target,
    until: Instant,
    most_connections: u16,
) -> Arc<Outcome> {
    let outcome = Arc::new(Outcome::default());
    let mut connections = JoinSet::new();
    for number in 0..peer.about().connections.min(most_connections) {
        let (peer, outcome) = (Arc::clone(&peer), Arc::clone(&outcome));
        connections.spawn(keep_attacking(peer, target, number, until, outcome));
    }
    connections.join_all().await;
    outcome
}

async fn keep_attacking(
    peer: Arc<dyn Peer>,
    target: Target,
    number: u16,
    until: Instant,
    outcome: Arc<Outcome>,
) {
    let About { addresses, pause, .. } = *peer.about();
    let attacking = async {
        loop {
            peer.attack(&target, number % addresses, &outcome).await;
            sleep_until(Instant::now() + pause).await;
        }
    };
    // The time is the only end.
    let _ = timeout_at(until, attacking).await;
}
