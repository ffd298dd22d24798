//! An issuer of JWTs with a key of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

pub(in crate::access) const ISSUER: &str = "https://issuer.test";
pub(in crate::access) const AUDIENCE: &str = "millpond";

pub(in crate::access) struct Issuer {
    pub(in crate::access) id: String,
    key: EcdsaKeyPair,
}

impl Issuer {
    pub(in crate::access) fn new(id: &str) -> Self {
        let (random, scheme) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(scheme, pkcs8.as_ref(), &random).unwrap();
        Self { id: id.into(), key }
    }

    /// The public key, as a JWK.
    pub(in crate::access) fn jwk(&self) -> Value {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|bytes| BASE64.encode(bytes));
        json!({ "kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "x": x, "y": y })
    }

    pub(in crate::access) fn jwks(issuers: &[&Self]) -> String {
        json!({ "keys": issuers.iter().map(|issuer| issuer.jwk()).collect::<Vec<_>>() }).to_string()
    }

    pub(in crate::access) fn token(&self, claims: &Value) -> String {
        self.signed(&json!({ "alg": "ES256", "kid": self.id, "typ": "JWT" }), claims)
    }

    /// A token with this header, signed by ES256 whatever the header says.
    pub(in crate::access) fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature = self.key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64.encode(signature))
    }
}

pub(in crate::access) fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| BASE64.encode(part.to_string()));
    format!("{header}.{claims}")
}

/// The claims of a good token.
pub(in crate::access) fn claims(subject: &str) -> Value {
    json!({ "sub": subject, "iss": ISSUER, "aud": [AUDIENCE], "exp": now() + 3_600 })
}

pub(in crate::access) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
