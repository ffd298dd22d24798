//! Verifies JWTs: signature, issuer, audience and times.
//!
//! A key says which algorithms it is for, and the token only which key it was signed with. What was
//! verified is remembered until it expires, so that a call seldom pays for a signature. Keys that
//! are replaced make all of that forgotten.

mod key_set;
mod keys;
mod provider;
mod source;
mod verified;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;

use super::digest::Digest;
use super::identity::{Identity, is_plain};
use super::policy::{Policy, Principal};
use super::proof::JwtProof;
use crate::config;
use crate::heap::Account;
use crate::stats::{DenialReason, JwtKeyStats};
use key_set::{Key, KeySet};
use keys::Keys;
use verified::Verified;

pub(super) use keys::check;

/// How far the clocks of issuers and ours may differ.
const LEEWAY_SECONDS: u64 = 30;

/// Verifies JWTs.
#[derive(Debug)]
pub(super) struct Jwts {
    issuer: String,
    audience: String,
    keys: Keys,
    verified: Verified,
    policy: Arc<Policy>,
}

/// What has to be in a token, in these types.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    #[serde(rename = "iss")]
    _issuer: String,
}

impl Jwts {
    /// Reads the keys from then on, in a thread of its own. Keys of a file are there at once.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn start(
        config: &config::Jwt,
        policy: Arc<Policy>,
        account: &Account,
    ) -> io::Result<Self> {
        Ok(Self::new(config, policy, Keys::start(&config.keys, account)?))
    }

    fn new(config: &config::Jwt, policy: Arc<Policy>, keys: Keys) -> Self {
        provider::install();
        let (issuer, audience) = (config.issuer.clone(), config.audience.clone());
        Self { issuer, audience, keys, verified: Verified::default(), policy }
    }

    /// The owner of a token, which has this digest, and how long it counts.
    pub(super) fn verify(
        &self,
        token: &str,
        digest: &Digest,
    ) -> Result<(Arc<Principal>, JwtProof), DenialReason> {
        let keys = self.keys.current();
        let now = unix_seconds();
        if let Some(verified) = self.verified.find(digest, keys.generation, now) {
            return Ok(verified);
        }
        let Claims { sub, exp, .. } = self.check(token, &keys)?;
        let owner = self.policy.principal(&[Identity::Jwt(Arc::from(sub))]);
        let owner = owner.ok_or(DenialReason::JwtClaims)?;
        let proof = JwtProof { generation: keys.generation, expiry: exp };
        self.verified.insert(*digest, &owner, proof, now);
        Ok((owner, proof))
    }

    /// Why a token that was verified counts no more. None if it does. One whose keys were replaced
    /// has to be shown again.
    pub(super) fn check_again(&self, proof: JwtProof) -> Option<DenialReason> {
        let generation = self.keys.current().generation;
        if generation != proof.generation {
            return Some(DenialReason::UnknownJwtKey);
        }
        let leeway = Duration::from_secs(LEEWAY_SECONDS).as_secs_f64();
        let is_valid = proof.is_valid(generation, unix_seconds() - leeway);
        (!is_valid).then_some(DenialReason::JwtExpired)
    }

    pub(super) fn stats(&self) -> JwtKeyStats {
        self.keys.stats()
    }

    fn check(&self, token: &str, keys: &KeySet) -> Result<Claims, DenialReason> {
        let header = decode_header(token).map_err(|_| DenialReason::MalformedJwt)?;
        if header.crit.is_some() {
            // It demands something that is not known here.
            return Err(DenialReason::MalformedJwt);
        }
        let Some(key) = keys.find(header.kid.as_deref()) else {
            self.keys.ask();
            return Err(DenialReason::UnknownJwtKey);
        };
        if !key.algorithms.contains(&header.alg) {
            return Err(DenialReason::JwtAlgorithm);
        }
        let claims = self.decode(token, key, header.alg).map_err(|error| reason(&error))?;
        if is_plain(&claims.sub) { Ok(claims) } else { Err(DenialReason::JwtClaims) }
    }

    fn decode(&self, token: &str, key: &Key, algorithm: Algorithm) -> Result<Claims, Error> {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["sub", "exp", "iss", "aud"]);
        Ok(decode::<Claims>(token, &key.decoding, &validation)?.claims)
    }
}

fn reason(error: &Error) -> DenialReason {
    match error.kind() {
        ErrorKind::InvalidSignature | ErrorKind::Base64(_) => DenialReason::JwtSignature,
        ErrorKind::ExpiredSignature => DenialReason::JwtExpired,
        ErrorKind::ImmatureSignature => DenialReason::JwtNotYetValid,
        ErrorKind::InvalidIssuer => DenialReason::JwtIssuer,
        ErrorKind::InvalidAudience => DenialReason::JwtAudience,
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidKeyFormat
        | ErrorKind::UnsupportedAlgorithm => DenialReason::JwtAlgorithm,
        ErrorKind::MissingRequiredClaim(_)
        | ErrorKind::InvalidClaimFormat(_)
        | ErrorKind::Json(_) => DenialReason::JwtClaims,
        _ => DenialReason::MalformedJwt,
    }
}

/// The system's time: issuers write theirs into their tokens.
fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests;
