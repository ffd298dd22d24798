//! The identities that made calls, with what became of the calls. Their number has a bound.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::identity::Identity;
use crate::stats::IdentityStats;

/// Identities that are listed, those that came first.
const MAX_IDENTITIES: usize = 64;

/// The identities that were seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    by_identity: Mutex<BTreeMap<String, Arc<CallCounts>>>,
    others: Arc<CallCounts>,
}

/// What became of the calls of one identity.
#[derive(Debug, Default)]
pub(super) struct CallCounts {
    allowed: AtomicU64,
    denied: AtomicU64,
    shed: AtomicU64,
}

impl Seen {
    /// The counters of an identity: its own, or those of all that find no room.
    pub(super) fn counts(&self, identity: &Identity) -> Arc<CallCounts> {
        let mut listed = self.by_identity.lock();
        let name = identity.to_string();
        if let Some(counts) = listed.get(&name) {
            return Arc::clone(counts);
        }
        if listed.len() >= MAX_IDENTITIES {
            return Arc::clone(&self.others);
        }
        Arc::clone(listed.entry(name).or_default())
    }

    /// Those that were seen, and the others last if there are any.
    pub(super) fn read(&self) -> Vec<IdentityStats> {
        let listed = self.by_identity.lock();
        let of_listed = listed.iter().map(|(name, counts)| counts.read(name));
        let others = [self.others.read("other")];
        let others = others.into_iter().filter(|each| each.allowed + each.denied + each.shed > 0);
        of_listed.chain(others).collect()
    }
}

impl CallCounts {
    pub(super) fn count_allowed(&self) {
        self.allowed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_denied(&self) {
        self.denied.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self, identity: &str) -> IdentityStats {
        IdentityStats {
            identity: identity.to_owned(),
            allowed: self.allowed.load(Ordering::Relaxed),
            denied: self.denied.load(Ordering::Relaxed),
            shed: self.shed.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_over_the_bound_are_counted_together() {
        let seen = Seen::default();
        for number in 0..MAX_IDENTITIES + 10 {
            seen.counts(&Identity::Jwt(format!("{number:03}").into())).count_allowed();
        }
        let read = seen.read();
        assert_eq!(read.len(), MAX_IDENTITIES + 1);
        let last = read.last().unwrap();
        assert_eq!((last.identity.as_str(), last.allowed), ("other", 10));
        assert_eq!((read[0].identity.as_str(), read[0].allowed), ("jwt:000", 1));
    }
}
