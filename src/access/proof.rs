//! What a caller proved with a token, kept so that a long call can be asked again whether it counts.
//!
//! The token itself is not kept.

use super::digest::Digest;

/// How a token was found to be valid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Proof {
    /// There was no token.
    None,
    /// It is in the file of tokens.
    Token(Digest),
    /// It is a JWT.
    Jwt(JwtProof),
}

/// How long a JWT counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct JwtProof {
    /// Of the keys with which it was verified.
    pub(super) generation: u64,
    /// In seconds since the Unix epoch.
    pub(super) expiry: f64,
}

impl JwtProof {
    /// Whether it counts at this time, with the keys of this generation.
    pub(super) fn is_valid(self, generation: u64, now: f64) -> bool {
        self.generation == generation && now < self.expiry
    }
}
