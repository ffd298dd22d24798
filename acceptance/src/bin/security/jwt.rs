//! An issuer of JSON Web Tokens, as Kubernetes is one for its service accounts: it signs with RS256,
//! and publishes its keys over HTTPS to whoever has a token of its own.
//!
//! Owns the key. Knows nothing of millpond.

mod publisher;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

pub(crate) use publisher::Publisher;

use crate::openssl;

const LIFETIME: Duration = Duration::from_secs(3_600);
const KEY_ID: &str = "key-1";

/// Signs tokens.
pub(crate) struct Issuer {
    name: String,
    key: KeyPair,
}

impl Issuer {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let PrivateKeyDer::Pkcs8(key) = PrivateKeyDer::from_pem_slice(&openssl::rsa_key()?)? else {
            bail!("openssl made a key that is no PKCS #8");
        };
        let key = KeyPair::from_pkcs8(key.secret_pkcs8_der());
        Ok(Self { name: name.to_owned(), key: key.map_err(|error| anyhow!("{error}"))? })
    }

    /// A token for this subject, which an hour makes invalid.
    pub(crate) fn token(&self, subject: &str, audience: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let header = serde_json::json!({ "alg": "RS256", "kid": KEY_ID, "typ": "JWT" });
        let claims = serde_json::json!({
            "iss": self.name, "sub": subject, "aud": [audience],
            "iat": now, "nbf": now, "exp": now + LIFETIME.as_secs(),
        });
        let signed = format!("{}.{}", encoded(&header.to_string()), encoded(&claims.to_string()));
        let signature = self.sign(&signed)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The document that publishes its key.
    pub(crate) fn jwks(&self) -> String {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.key.public());
        let number = |bytes| URL_SAFE_NO_PAD.encode::<Vec<u8>>(bytes);
        let (n, e) = (number(public.n), number(public.e));
        let key = serde_json::json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": n, "e": e,
        });
        serde_json::json!({ "keys": [key] }).to_string()
    }

    fn sign(&self, text: &str) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature);
        signed.map_err(|_| anyhow!("no token could be signed"))?;
        Ok(signature)
    }
}

fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}
