//! The caps on what callers may have open: streams in all, and connections of one peer.
//!
//! What is open is counted by guards: dropping one gives its place back. This file does not know
//! what a place is used for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// The number of streams that may be open in all. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct StreamCap {
    max: usize,
    open: Arc<AtomicUsize>,
}

/// The place of one open stream.
#[derive(Debug)]
pub(super) struct StreamPlace(Arc<AtomicUsize>);

impl StreamCap {
    pub(super) fn new(max: usize) -> Self {
        Self { max, open: Arc::default() }
    }

    /// A place, if there is one.
    pub(super) fn enter(&self) -> Option<StreamPlace> {
        if self.open.fetch_add(1, Ordering::Relaxed) < self.max {
            return Some(StreamPlace(Arc::clone(&self.open)));
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        None
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed).min(self.max)
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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

    /// A place for a connection from this address, if its peer has one left.
    pub(super) fn enter(&self, address: IpAddr) -> Option<PeerPlace> {
        let peer = peer_of(address);
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

/// Who counts as one peer. A host with IPv6 has a whole /64 to choose its addresses from.
fn peer_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_ends_makes_place_for_another() {
        let cap = StreamCap::new(2);
        let [one, two] = [cap.enter().unwrap(), cap.enter().unwrap()];
        assert!(cap.enter().is_none());
        assert_eq!(cap.open(), 2);
        drop(one);
        let three = cap.enter().unwrap();
        assert!(cap.enter().is_none());
        drop((two, three));
        assert_eq!(cap.open(), 0);
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
    fn a_peer_without_connections_is_forgotten() {
        let cap = PeerCap::new(1);
        drop(cap.enter("10.0.0.1".parse().unwrap()).unwrap());
        assert!(cap.open.lock().is_empty());
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_peer_and_a_mapped_address_is_its_ipv4_address() {
        for (one, other, are_one) in [
            ("2001:db8::1", "2001:db8::ffff:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.2", false),
        ] {
            let [a, b]: [IpAddr; 2] = [one, other].map(|ip| ip.parse().unwrap());
            assert_eq!(peer_of(a) == peer_of(b), are_one, "{one} and {other}");
        }
    }
}
