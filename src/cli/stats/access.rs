//! The part of `millpond stats` about who called, and which calls were denied.

use std::fmt::Write as _;

use crate::cli::output::count;
use crate::proto::v1::{AccessStats, DenialReason};

/// The identities that called, the calls that were denied, and the state of tokens and keys.
pub(in crate::cli) fn access_text(access: &AccessStats) -> String {
    let mut text = String::new();
    for seen in &access.identities {
        let [allowed, denied, shed] =
            [seen.allowed_count, seen.denied_count, seen.shed_count].map(count);
        let identity = &seen.identity;
        let _ =
            writeln!(text, "  {identity}: {allowed} calls allowed, {denied} denied, {shed} shed");
    }
    for denied in &access.denied_calls {
        let (calls, method) = (count(denied.count), &denied.method);
        let _ = writeln!(text, "  {calls} calls of {method} denied: {}", text_of(denied.reason()));
    }
    if let Some(tokens) = &access.tokens {
        let [found, failures] = [tokens.token_count, tokens.failure_count].map(count);
        let _ = writeln!(text, "  {found} tokens; times their file was bad: {failures}");
    }
    if let Some(keys) = &access.jwt_keys {
        let [found, failures] = [keys.key_count, keys.failure_count].map(count);
        let age = keys.age.as_ref().map_or("never read".into(), |age| format!("read {age} ago"));
        let _ = writeln!(text, "  {found} keys of JWTs, {age}; times reading failed: {failures}");
    }
    text
}

fn text_of(reason: DenialReason) -> &'static str {
    match reason {
        DenialReason::NoCredential => "the caller proved nothing",
        DenialReason::CertificateNamesNobody => "the certificate has two URI names, or no name",
        DenialReason::MalformedHeader => "the authorization header is not Bearer and a token",
        DenialReason::UnknownToken => "the token is not in rpc.tokens.file",
        DenialReason::MalformedJwt => "the JWT cannot be read",
        DenialReason::UnknownJwtKey => "no key has the id that the JWT names",
        DenialReason::JwtAlgorithm => "the JWT names an algorithm that its key is not for",
        DenialReason::JwtSignature => "the signature of the JWT is wrong",
        DenialReason::JwtExpired => "the JWT has expired",
        DenialReason::JwtNotYetValid => "the JWT is not valid yet",
        DenialReason::JwtIssuer => "the JWT is of another issuer",
        DenialReason::JwtAudience => "the JWT is for another audience",
        DenialReason::JwtClaims => "a claim of the JWT is missing or has the wrong type",
        DenialReason::NotAllowed => "no [[rpc.allow]] allows it",
        DenialReason::NotLoopback => "there is no [[rpc.allow]], and the peer is not on loopback",
        DenialReason::ShareExhausted => "the identity has used up its share",
        DenialReason::Unspecified => "for an unknown reason",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{DeniedCallCount, IdentityStats};

    #[test]
    fn identities_and_denials_are_listed_and_nothing_where_there_are_none() {
        let denied = DeniedCallCount {
            method: "Get".into(),
            reason: DenialReason::JwtExpired.into(),
            count: 1_234,
        };
        let seen = IdentityStats {
            identity: "token:web".into(),
            allowed_count: 7,
            ..IdentityStats::default()
        };
        let text = access_text(&AccessStats {
            denied_calls: vec![denied],
            identities: vec![seen],
            ..AccessStats::default()
        });
        assert!(text.contains("1,234 calls of Get denied: the JWT has expired"), "{text}");
        assert!(text.contains("token:web: 7 calls allowed, 0 denied, 0 shed"), "{text}");
        assert_eq!(access_text(&AccessStats::default()), "");
    }
}
