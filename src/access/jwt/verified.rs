//! The tokens that were verified, by their digests, until they expire.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::access::digest::Digest;
use crate::access::policy::Principal;
use crate::access::proof::JwtProof;

/// Tokens that are remembered, which takes half a megabyte. Others are verified at each call.
const MAX_TOKENS: usize = 1_024;

/// What was verified.
#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<HashMap<Digest, Entry>>);

#[derive(Debug)]
struct Entry {
    owner: Arc<Principal>,
    proof: JwtProof,
}

impl Verified {
    /// The owner of a token that was verified with these keys and has not expired.
    pub(super) fn find(
        &self,
        digest: &Digest,
        generation: u64,
        now: f64,
    ) -> Option<(Arc<Principal>, JwtProof)> {
        let tokens = self.0.lock();
        let entry = tokens.get(digest)?;
        let is_valid = entry.proof.is_valid(generation, now);
        is_valid.then(|| (Arc::clone(&entry.owner), entry.proof))
    }

    /// Remembers a token, if there is room.
    pub(super) fn insert(&self, digest: Digest, owner: &Arc<Principal>, proof: JwtProof, now: f64) {
        let mut tokens = self.0.lock();
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, entry| entry.proof.is_valid(proof.generation, now));
        }
        if tokens.len() < MAX_TOKENS {
            tokens.insert(digest, Entry { owner: Arc::clone(owner), proof });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::identity::Identity;
    use crate::access::tests::{allow, policy};

    fn owner() -> Arc<Principal> {
        policy(&allow("anonymous", "*", "*")).principal(&[Identity::Jwt("a".into())]).unwrap()
    }

    #[test]
    fn a_token_counts_until_it_expires_or_the_keys_are_replaced() {
        let verified = Verified::default();
        verified.insert([1; 32], &owner(), JwtProof { generation: 7, expiry: 100.0 }, 0.0);
        assert!(verified.find(&[1; 32], 7, 99.0).is_some());
        assert!(verified.find(&[1; 32], 7, 100.0).is_none());
        assert!(verified.find(&[1; 32], 8, 99.0).is_none());
        assert!(verified.find(&[2; 32], 7, 99.0).is_none());
    }

    #[test]
    fn the_tokens_that_are_remembered_have_a_bound() {
        let (owner, verified) = (owner(), Verified::default());
        let is_kept = |number: usize, expiry, now| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            verified.insert(digest, &owner, JwtProof { generation: 1, expiry }, now);
            verified.find(&digest, 1, now).is_some()
        };
        assert!((0..MAX_TOKENS).all(|number| is_kept(number, 100.0, 0.0)));
        assert!(!is_kept(MAX_TOKENS, 100.0, 0.0));
        assert!(is_kept(MAX_TOKENS, 300.0, 200.0), "those that expired make room");
    }
}
