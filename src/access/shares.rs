//! The shares of identities: how many calls and bytes a second each may still use.
//!
//! Each entry of the policy with a share gives one to each identity. All connections of an identity
//! use the same. The number of shares has a bound: beyond it, identities use one together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::bucket::Bucket;
use super::identity::Identity;
use crate::config::Allow;

/// Shares of one entry that are remembered.
const MAX_SHARES: usize = 1_024;

/// The shares that one entry of the policy gives.
#[derive(Debug)]
pub(super) struct Shares {
    rates: Rates,
    by_identity: Mutex<HashMap<Identity, Arc<Share>>>,
    /// Of those that found no room.
    others: Arc<Share>,
}

/// What one identity may use.
#[derive(Debug)]
pub(super) struct Share {
    calls: Option<Bucket>,
    bytes: Option<Bucket>,
}

/// How much of each in a second. None: without a limit.
#[derive(Debug, Clone, Copy)]
struct Rates {
    calls: Option<f64>,
    bytes: Option<f64>,
}

impl Shares {
    /// None if the entry has no share.
    #[expect(clippy::cast_precision_loss, reason = "a rate is below 2^53")]
    pub(super) fn of(entry: &Allow) -> Option<Self> {
        let calls = entry.calls_per_second.map(|calls| calls as f64);
        let bytes = entry.bytes_per_second.map(|bytes| bytes.as_u64() as f64);
        let rates = (calls.is_some() || bytes.is_some()).then_some(Rates { calls, bytes })?;
        Some(Self { rates, by_identity: Mutex::default(), others: Arc::new(Share::new(rates)) })
    }

    /// The share of an identity.
    pub(super) fn share(&self, identity: &Identity) -> Arc<Share> {
        let mut shares = self.by_identity.lock();
        if let Some(share) = shares.get(identity) {
            return Arc::clone(share);
        }
        if shares.len() >= MAX_SHARES {
            let now = Instant::now();
            shares.retain(|_, share| Arc::strong_count(share) > 1 || !share.is_unused(now));
        }
        if shares.len() >= MAX_SHARES {
            return Arc::clone(&self.others);
        }
        let share = Arc::new(Share::new(self.rates));
        shares.insert(identity.clone(), Arc::clone(&share));
        share
    }
}

impl Share {
    fn new(rates: Rates) -> Self {
        let bucket = |per_second: f64| Bucket::new(per_second, Instant::now());
        Self { calls: rates.calls.map(bucket), bytes: rates.bytes.map(bucket) }
    }

    /// Takes a call. Fails if the calls or the bytes are used up, with the time until then.
    pub(super) fn take_call(&self, now: Instant) -> Result<(), Duration> {
        for bucket in self.bytes.iter().chain(&self.calls) {
            bucket.check(now)?;
        }
        if let Some(calls) = &self.calls {
            calls.take(1.0, now);
        }
        Ok(())
    }

    /// Takes the bytes of an answer, which are known only when it is there.
    #[expect(clippy::cast_precision_loss, reason = "no answer has 2^53 bytes")]
    pub(super) fn take_bytes(&self, bytes: usize, now: Instant) {
        if let Some(bucket) = &self.bytes {
            bucket.take(bytes as f64, now);
        }
    }

    fn is_unused(&self, now: Instant) -> bool {
        self.calls.iter().chain(&self.bytes).all(|bucket| bucket.is_full(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tests::{allow, config};

    fn shares() -> Shares {
        let rates = "calls_per_second = 3\nbytes_per_second = \"1KiB\"\n";
        Shares::of(&config(&(allow("anonymous", "*", "*") + rates)).allow[0]).unwrap()
    }

    fn token(name: &str) -> Identity {
        Identity::Token(name.into())
    }

    #[test]
    fn each_identity_has_its_own_share_on_all_of_its_connections() {
        let shares = shares();
        let now = Instant::now();
        for _ in 0..3 {
            shares.share(&token("a")).take_call(now).unwrap();
        }
        assert!(shares.share(&token("a")).take_call(now).is_err());
        shares.share(&token("b")).take_call(now).unwrap();
    }

    #[test]
    fn bytes_are_taken_after_the_answer() {
        let shares = shares();
        let (share, now) = (shares.share(&token("a")), Instant::now());
        share.take_call(now).unwrap();
        share.take_bytes(3 << 10, now);
        let wait = share.take_call(now).unwrap_err();
        assert!(wait > Duration::from_secs(1) && wait < Duration::from_secs(3), "{wait:?}");
    }

    #[test]
    fn the_shares_that_are_remembered_have_a_bound() {
        let shares = shares();
        let held: Vec<_> =
            (0..MAX_SHARES).map(|number| shares.share(&token(&number.to_string()))).collect();
        assert!(Arc::ptr_eq(&shares.share(&token("x")), &shares.share(&token("y"))));
        drop(held);
        assert!(!Arc::ptr_eq(&shares.share(&token("x")), &shares.share(&token("y"))));
    }
}
