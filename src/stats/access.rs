//! Who called the gRPC port, and which calls were denied.

use std::time::Duration;

/// The figures of identities and denials.
#[derive(Debug, Clone, Default)]
pub struct AccessStats {
    /// Whether there is a policy.
    pub has_policy: bool,
    /// The calls that were denied, by method and reason: those that occurred.
    pub denied: Vec<DeniedCalls>,
    /// The identities that made a call; the last is for all that found no room.
    pub identities: Vec<IdentityStats>,
    /// The file of tokens, if there is one.
    pub tokens: Option<TokenFileStats>,
    /// The keys of JWTs, if there are any.
    pub jwt_keys: Option<JwtKeyStats>,
}

/// How many calls of a method were denied for a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeniedCalls {
    /// The name of the method.
    pub method: &'static str,
    /// The reason.
    pub reason: DenialReason,
    /// How many.
    pub count: u64,
}

/// Why a call was denied. Callers are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialReason {
    /// The caller proved nothing.
    NoCredential,
    /// The certificate has two URIs or no name.
    CertificateNamesNobody,
    /// The header is not "Bearer" and one token, or too long.
    MalformedHeader,
    /// The token is not in the file, and no JWT.
    UnknownToken,
    /// The JWT cannot be read.
    MalformedJwt,
    /// No key has the id that the JWT names.
    UnknownJwtKey,
    /// The key is not for the algorithm that the JWT names.
    JwtAlgorithm,
    /// The signature is wrong.
    JwtSignature,
    /// The JWT has expired.
    JwtExpired,
    /// The JWT is not valid yet.
    JwtNotYetValid,
    /// Another issuer.
    JwtIssuer,
    /// Another audience.
    JwtAudience,
    /// A claim is missing or has the wrong type.
    JwtClaims,
    /// No entry of the policy allows it.
    NotAllowed,
    /// Without a policy only peers on loopback may.
    NotLoopback,
    /// The identity has used up its share.
    ShareExhausted,
}

impl DenialReason {
    /// Every reason.
    pub const ALL: [Self; 16] = [
        Self::NoCredential,
        Self::CertificateNamesNobody,
        Self::MalformedHeader,
        Self::UnknownToken,
        Self::MalformedJwt,
        Self::UnknownJwtKey,
        Self::JwtAlgorithm,
        Self::JwtSignature,
        Self::JwtExpired,
        Self::JwtNotYetValid,
        Self::JwtIssuer,
        Self::JwtAudience,
        Self::JwtClaims,
        Self::NotAllowed,
        Self::NotLoopback,
        Self::ShareExhausted,
    ];
}

/// What became of the calls of one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityStats {
    /// Its name, as a policy has it.
    pub identity: String,
    /// Calls that were let in.
    pub allowed: u64,
    /// Calls that were denied.
    pub denied: u64,
    /// Calls that were shed.
    pub shed: u64,
}

/// The state of the file of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenFileStats {
    /// The tokens that count.
    pub tokens: u64,
    /// How often the file was loaded.
    pub generation: u64,
    /// How often a changed file was bad.
    pub failures: u64,
}

/// The state of the keys of JWTs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JwtKeyStats {
    /// The keys that can be used.
    pub keys: u64,
    /// How often other keys were loaded.
    pub generation: u64,
    /// How often they could not be read.
    pub failures: u64,
    /// How long ago they were read.
    pub age: Option<Duration>,
}
