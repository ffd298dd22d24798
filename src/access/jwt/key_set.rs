//! A set of keys as it is published: a JWKS. Each key is for the algorithms that its type allows.
//!
//! Only asymmetric algorithms count. A key that cannot be used is left out, so that one of another
//! kind harms none.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Keys of one set that count.
const MAX_KEYS: usize = 64;

/// The keys, and how often others were there before.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    pub(super) generation: u64,
    keys: Vec<Key>,
}

/// A key that can verify signatures.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWKS.
    ///
    /// # Errors
    ///
    /// When no key of it can be used: why.
    pub(super) fn parse(bytes: &[u8], generation: u64) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(bytes).map_err(|_| {
            "not a JWKS: that is JSON with a list of keys under \"keys\"".to_owned()
        })?;
        let keys: Vec<_> = document.keys.into_iter().filter_map(Key::new).take(MAX_KEYS).collect();
        if keys.is_empty() {
            let of_use = "RSA, EC on P-256 or P-384, or Ed25519, and for signatures";
            return Err(format!("none of its keys can be used: one has to be {of_use}"));
        }
        Ok(Self { generation, keys })
    }

    /// The key with this id; without an id, the only key there is.
    pub(super) fn find(&self, id: Option<&str>) -> Option<&Key> {
        match (id, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
            (None, [key]) => Some(key),
            (None, _) => None,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }
}

impl Key {
    /// None if it cannot be used.
    fn new(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let common = &jwk.common;
        let is_for_signatures =
            common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
        let operations = common.key_operations.as_ref();
        let can_verify = operations.is_none_or(|all| all.contains(&KeyOperations::Verify));
        let mut algorithms = algorithms(&jwk.algorithm).to_vec();
        if let Some(only) = &common.key_algorithm {
            let only: Algorithm = only.to_string().parse().ok()?;
            algorithms.retain(|algorithm| *algorithm == only);
        }
        if algorithms.is_empty() || !is_for_signatures || !can_verify {
            return None;
        }
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id: common.key_id.clone(), algorithms, decoding })
    }
}

fn algorithms(parameters: &AlgorithmParameters) -> &'static [Algorithm] {
    match parameters {
        AlgorithmParameters::RSA(_) => &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            &[Algorithm::EdDSA]
        }
        _ => &[],
    }
}
