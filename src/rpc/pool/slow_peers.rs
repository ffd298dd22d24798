//! The peers whose callers did not read an answer while others waited for its room.
//!
//! For a while all connections of all these peers share what one connection may take. So they leave
//! the rest to others, however many connections they open. What is shared is not known here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a peer counts as slow after an answer of it was dropped.
const TIME: Duration = Duration::from_secs(30);
/// Each takes some 60 bytes. When there are more, the first to end is forgotten.
const MAX_PEERS: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct SlowPeers {
    /// When each of them no longer counts as slow.
    ends: Mutex<HashMap<IpAddr, Instant>>,
    /// False most of the time, so that most calls need not look.
    has_any: AtomicBool,
}

impl SlowPeers {
    pub(super) fn add(&self, peer: IpAddr, now: Instant) {
        let mut ends = self.ends.lock();
        if ends.len() >= MAX_PEERS && !ends.contains_key(&peer) {
            let first = ends.iter().min_by_key(|(_, end)| **end).map(|(peer, _)| *peer);
            first.map(|peer| ends.remove(&peer));
        }
        ends.insert(peer, now + TIME);
        self.has_any.store(true, Ordering::Relaxed);
    }

    pub(super) fn contains(&self, peer: IpAddr, now: impl FnOnce() -> Instant) -> bool {
        if !self.has_any.load(Ordering::Relaxed) {
            return false;
        }
        let mut ends = self.ends.lock();
        let is_slow = ends.get(&peer).is_some_and(|end| *end > now());
        if !is_slow {
            ends.remove(&peer);
            self.has_any.store(!ends.is_empty(), Ordering::Relaxed);
        }
        is_slow
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn peer(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn a_peer_is_slow_for_a_while() {
        let (slow, now) = (SlowPeers::default(), Instant::now());
        slow.add(peer(1), now);
        let contains = |number, now| slow.contains(peer(number), || now);
        assert!(contains(1, now) && !contains(2, now));
        assert!(contains(1, now + TIME / 2));
        assert!(!contains(1, now + TIME));
        assert!(slow.ends.lock().is_empty() && !slow.has_any.load(Ordering::Relaxed));
    }

    #[test]
    fn the_first_to_end_is_forgotten_when_there_are_too_many() {
        let (slow, now) = (SlowPeers::default(), Instant::now());
        for number in 0..=u32::try_from(MAX_PEERS).unwrap() {
            slow.add(peer(number), now + Duration::from_millis(number.into()));
        }
        assert_eq!(slow.ends.lock().len(), MAX_PEERS);
        assert!(!slow.contains(peer(0), || now) && slow.contains(peer(1), || now));
    }
}
