//! Converts the figures of identities and denials.

use crate::proto::v1::{self as wire, DeniedCallCount};
use crate::rpc::convert::{to_duration, to_int64};
use crate::stats::{
    AccessStats, DenialReason, DeniedCalls, IdentityStats, JwtKeyStats, TokenFileStats,
};

impl From<AccessStats> for wire::AccessStats {
    fn from(access: AccessStats) -> Self {
        Self {
            has_policy: access.has_policy,
            denied_calls: access.denied.into_iter().map(Into::into).collect(),
            identities: access.identities.into_iter().map(Into::into).collect(),
            tokens: access.tokens.map(Into::into),
            jwt_keys: access.jwt_keys.map(Into::into),
        }
    }
}

impl From<DeniedCalls> for DeniedCallCount {
    fn from(denied: DeniedCalls) -> Self {
        let DeniedCalls { method, reason, count } = denied;
        let reason = to_reason(reason).into();
        Self { method: method.to_owned(), reason, count: to_int64(count) }
    }
}

impl From<IdentityStats> for wire::IdentityStats {
    fn from(identity: IdentityStats) -> Self {
        Self {
            identity: identity.identity,
            allowed_count: to_int64(identity.allowed),
            denied_count: to_int64(identity.denied),
            shed_count: to_int64(identity.shed),
        }
    }
}

impl From<TokenFileStats> for wire::TokenFileStats {
    fn from(tokens: TokenFileStats) -> Self {
        Self {
            token_count: to_int64(tokens.tokens),
            generation: to_int64(tokens.generation),
            failure_count: to_int64(tokens.failures),
        }
    }
}

impl From<JwtKeyStats> for wire::JwtKeyStats {
    fn from(keys: JwtKeyStats) -> Self {
        Self {
            key_count: to_int64(keys.keys),
            generation: to_int64(keys.generation),
            failure_count: to_int64(keys.failures),
            age: keys.age.map(to_duration),
        }
    }
}

fn to_reason(reason: DenialReason) -> wire::DenialReason {
    match reason {
        DenialReason::NoCredential => wire::DenialReason::NoCredential,
        DenialReason::CertificateNamesNobody => wire::DenialReason::CertificateNamesNobody,
        DenialReason::MalformedHeader => wire::DenialReason::MalformedHeader,
        DenialReason::UnknownToken => wire::DenialReason::UnknownToken,
        DenialReason::MalformedJwt => wire::DenialReason::MalformedJwt,
        DenialReason::UnknownJwtKey => wire::DenialReason::UnknownJwtKey,
        DenialReason::JwtAlgorithm => wire::DenialReason::JwtAlgorithm,
        DenialReason::JwtSignature => wire::DenialReason::JwtSignature,
        DenialReason::JwtExpired => wire::DenialReason::JwtExpired,
        DenialReason::JwtNotYetValid => wire::DenialReason::JwtNotYetValid,
        DenialReason::JwtIssuer => wire::DenialReason::JwtIssuer,
        DenialReason::JwtAudience => wire::DenialReason::JwtAudience,
        DenialReason::JwtClaims => wire::DenialReason::JwtClaims,
        DenialReason::NotAllowed => wire::DenialReason::NotAllowed,
        DenialReason::NotLoopback => wire::DenialReason::NotLoopback,
        DenialReason::ShareExhausted => wire::DenialReason::ShareExhausted,
    }
}
