//! The caps on what callers may have open: streams in all, and connections of one peer.
//!
//! What is open is counted by guards: dropping one gives its place back. This file does not know
//! what a place is used for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::peer::group_of;

/// The number of streams that may be open in all. Each connection has a few for itself, which no
/// other can take, and all connections share the rest. Clones are the same cap.
#[derive(Debug, Clone)]
pub(super) struct StreamCap {
    of_each: usize,
    shared: Arc<Places>,
}

/// The streams of one connection.
#[derive(Debug)]
pub(super) struct ConnectionStreams {
    own: Arc<Places>,
    shared: Arc<Places>,
}

#[derive(Debug)]
struct Places {
    max: usize,
    taken: AtomicUsize,
}

/// The place of one open stream.
#[derive(Debug)]
pub(super) struct StreamPlace(Arc<Places>);

impl StreamCap {
    /// Half of the streams are shared, and the other half is divided among the connections.
    pub(super) fn new(max: usize, max_connections: usize) -> Self {
        let of_each = max / 2 / max_connections;
        Self { of_each, shared: Places::new(max - of_each * max_connections) }
    }

    /// The streams of one more connection.
    pub(super) fn of_connection(&self) -> ConnectionStreams {
        let own = Places::new(self.of_each);
        ConnectionStreams { own, shared: Arc::clone(&self.shared) }
    }
}

impl ConnectionStreams {
    /// A place, if there is one.
    pub(super) fn enter(&self) -> Option<StreamPlace> {
        [&self.own, &self.shared].into_iter().find_map(Places::enter)
    }
}

impl Places {
    fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, taken: AtomicUsize::new(0) })
    }

    fn enter(self: &Arc<Self>) -> Option<StreamPlace> {
        if self.taken.fetch_add(1, Ordering::Relaxed) < self.max {
            return Some(StreamPlace(Arc::clone(self)));
        }
        self.taken.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The number of connections that each peer may have open. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct PeerCap {
    max: usize,
    /// Peers without a connection are not in it.
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The place of one open connection of a peer.
#[derive(Debug)]
pub(super) struct PeerPlace {
    peer: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl PeerCap {
    pub(super) fn new(max: usize) -> Self {
        Self { max, open: Arc::default() }
    }

    /// Whether one peer has more connections than the other.
    pub(super) fn has_more(&self, address: IpAddr, other: IpAddr) -> bool {
        let open = self.open.lock();
        let count = |address| open.get(&group_of(address)).copied().unwrap_or_default();
        count(address) > count(other)
    }

    /// Whether no other peer has more connections than several of this one. A peer that is alone is
    /// no largest.
    pub(super) fn is_largest(&self, address: IpAddr) -> bool {
        let open = self.open.lock();
        let own = open.get(&group_of(address)).copied().unwrap_or_default();
        own > 1 && open.len() > 1 && open.values().all(|count| *count <= own)
    }

    /// A place for a connection from this address, if its peer has one left.
    pub(super) fn enter(&self, address: IpAddr) -> Option<PeerPlace> {
        let peer = group_of(address);
        let mut open = self.open.lock();
        let count = open.entry(peer).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(PeerPlace { peer, open: Arc::clone(&self.open) })
    }
}

impl Drop for PeerPlace {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.open.lock().entry(self.peer) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_ends_makes_place_for_another() {
        let streams = StreamCap::new(2, 9).of_connection();
        let [one, _two] = [streams.enter().unwrap(), streams.enter().unwrap()];
        assert!(streams.enter().is_none());
        drop(one);
        let _three = streams.enter().unwrap();
        assert!(streams.enter().is_none());
    }

    #[test]
    fn a_connection_has_streams_that_no_other_can_take() {
        let cap = StreamCap::new(100, 10);
        let [greedy, modest] = [cap.of_connection(), cap.of_connection()];
        let taken: Vec<_> = std::iter::from_fn(|| greedy.enter()).collect();
        assert_eq!(taken.len(), 50 + 5, "what is shared, and its own");
        let own: Vec<_> = std::iter::from_fn(|| modest.enter()).collect();
        assert_eq!(own.len(), 5);
    }

    #[test]
    fn a_peer_at_its_cap_takes_no_place_from_another() {
        let cap = PeerCap::new(2);
        let [one, other]: [IpAddr; 2] = ["10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap());
        let [first, _second] = [cap.enter(one).unwrap(), cap.enter(one).unwrap()];
        assert!(cap.enter(one).is_none());
        assert!(cap.enter(other).is_some());
        drop(first);
        assert!(cap.enter(one).is_some());
    }

    #[test]
    fn peers_are_compared_by_how_many_connections_they_have() {
        let cap = PeerCap::new(10);
        let [one, other]: [IpAddr; 2] = ["10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap());
        let _many = [(); 2].map(|()| cap.enter(one).unwrap());
        assert!(cap.has_more(one, other) && !cap.has_more(other, one));
        assert!(!cap.is_largest(one), "nobody else is there");
        let single = cap.enter(other).unwrap();
        assert!(cap.is_largest(one) && !cap.is_largest(other));
        let _second = cap.enter(other).unwrap();
        assert!(cap.is_largest(one) && cap.is_largest(other));
        assert!(!cap.has_more(one, other) && !cap.has_more(other, one));
        drop(single);
        assert!(cap.has_more(one, other));
    }

    #[test]
    fn a_peer_without_connections_is_forgotten() {
        let cap = PeerCap::new(1);
        drop(cap.enter("10.0.0.1".parse().unwrap()).unwrap());
        assert!(cap.open.lock().is_empty());
    }
}
