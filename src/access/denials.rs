//! Denied calls: what callers are told, what is counted, and what the log says.
//!
//! A caller is told one of three things, whatever the reason. The operator finds the reason in the
//! statistics, and in the log once a minute for each reason. No name that a caller claims is in
//! either, only names that were proved.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::target::Target;
use crate::request_id::RequestId;
use crate::stats::{DenialReason, DeniedCalls};

/// A reason is logged this often.
const LOG_INTERVAL: Duration = Duration::from_secs(60);
const REASONS: usize = DenialReason::ALL.len();

/// What a caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// It has no credential that counts.
    Unauthenticated,
    /// It may not do this.
    PermissionDenied,
    /// It has used up its share.
    ShareExhausted {
        /// The time until it has some again.
        retry_after: Duration,
    },
}

/// A call that is denied.
pub(super) struct Denied<'a> {
    pub(super) id: &'a RequestId,
    pub(super) target: Target,
    /// Who makes it, as far as that is proved.
    pub(super) who: &'a dyn Display,
    pub(super) peer: SocketAddr,
}

/// The counters, and when each reason was logged.
#[derive(Debug)]
pub(super) struct Denials {
    counts: Box<[[AtomicU64; REASONS]]>,
    logged: Mutex<[Option<Instant>; REASONS]>,
}

impl Denials {
    pub(super) fn new() -> Self {
        let counts = Target::all().map(|_| [const { AtomicU64::new(0) }; REASONS]).collect();
        Self { counts, logged: Mutex::default() }
    }

    /// Counts a call that is denied, and logs it now and then.
    pub(super) fn count(&self, reason: DenialReason, denied: &Denied<'_>) {
        let Denied { id, target, who, peer } = *denied;
        self.counts[target.index()][reason as usize].fetch_add(1, Ordering::Relaxed);
        if self.marks_log_due(reason) {
            tracing::warn!(
                method = target.name(),
                identity = %who,
                request_id = %id,
                %peer,
                reason = what_to_do(reason),
                "a call was denied; more for this reason are counted, see millpond stats"
            );
        }
    }

    /// Those that occurred.
    pub(super) fn read(&self) -> Vec<DeniedCalls> {
        let of_target = |target: Target| {
            let count = move |reason| {
                let count = self.counts[target.index()][reason as usize].load(Ordering::Relaxed);
                DeniedCalls { method: target.name(), reason, count }
            };
            DenialReason::ALL.into_iter().map(count)
        };
        Target::all().flat_map(of_target).filter(|denied| denied.count > 0).collect()
    }

    /// Whether a reason has to be logged now. It then counts as logged.
    fn marks_log_due(&self, reason: DenialReason) -> bool {
        let last = &mut self.logged.lock()[reason as usize];
        let is_due = last.is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

/// The reason, and what an operator can do.
fn what_to_do(reason: DenialReason) -> &'static str {
    match reason {
        DenialReason::NoCredential => {
            "the caller proved nothing: give it a certificate or a token, or let \"anonymous\" do \
             this in [[rpc.allow]]"
        }
        DenialReason::CertificateNamesNobody => {
            "the client certificate has two URI names, or no URI and no DNS name: issue one that \
             has one URI or DNS names"
        }
        DenialReason::MalformedHeader => {
            "the authorization header is not \"Bearer\" and one token, or is over 6 KiB"
        }
        DenialReason::UnknownToken => {
            "the token is not in rpc.tokens.file: add a line with its name and its SHA-256"
        }
        DenialReason::MalformedJwt => "the JWT cannot be read, or has no algorithm that is known",
        DenialReason::UnknownJwtKey => {
            "no key of rpc.jwt has the id that the JWT names: check rpc.jwt.jwks_file or jwks_url"
        }
        DenialReason::JwtAlgorithm => "the key of the JWT is not for the algorithm that it names",
        DenialReason::JwtSignature => "the signature of the JWT is wrong",
        DenialReason::JwtExpired => "the JWT has expired: the caller has to read its file again",
        DenialReason::JwtNotYetValid => "the JWT is not valid yet: compare the clocks",
        DenialReason::JwtIssuer => "the JWT is of another issuer than rpc.jwt.issuer",
        DenialReason::JwtAudience => "the JWT is for another audience than rpc.jwt.audience",
        DenialReason::JwtClaims => "the JWT lacks sub, iss, aud or exp, or one has a wrong type",
        DenialReason::NotAllowed => {
            "no [[rpc.allow]] lets this identity call this method on this table"
        }
        DenialReason::NotLoopback => {
            "without [[rpc.allow]], statistics, maintenance and reflection are for peers on \
             loopback: add entries that name who may"
        }
        DenialReason::ShareExhausted => {
            "the identity has used up its calls_per_second or bytes_per_second"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Method;

    #[test]
    fn denials_are_counted_by_method_and_reason() {
        let denials = Denials::new();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let id = RequestId::random();
        let denied = |target| Denied { id: &id, target, who: &"", peer };
        for (number, reason) in DenialReason::ALL.into_iter().enumerate() {
            (0..=number).for_each(|_| denials.count(reason, &denied(Target::Unknown)));
        }
        denials.count(DenialReason::NotAllowed, &denied(Target::Method(Method::Get)));
        let read = denials.read();
        assert_eq!((read[0].method, read[0].count), ("Get", 1));
        let counts: Vec<_> = read[1..].iter().map(|denied| (denied.reason, denied.count)).collect();
        assert_eq!(counts, DenialReason::ALL.into_iter().zip(1..).collect::<Vec<_>>());
    }

    #[test]
    fn a_reason_is_logged_once_a_minute() {
        let denials = Denials::new();
        assert!(denials.marks_log_due(DenialReason::NotAllowed));
        assert!(!denials.marks_log_due(DenialReason::NotAllowed));
        assert!(denials.marks_log_due(DenialReason::NoCredential));
    }
}
