//! The caller of one call: who it is, and whether it may do what it asks for.
//!
//! A caller is everything that it proved: the names of its certificate, and of its token. An entry
//! of the policy that names one of them is enough.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::denials::{Denial, Denials, Denied};
use super::identity::Identity;
use super::policy::{Policy, Principal, Use};
use super::proof::Proof;
use super::shares::Share;
use super::target::{Scope, Target};
use crate::request_id::RequestId;
use crate::stats::DenialReason;

/// Who makes a call.
#[derive(Debug)]
pub struct Caller(Option<Restricted>);

/// A caller where there is a policy.
#[derive(Debug)]
struct Restricted {
    denials: Arc<Denials>,
    policy: Arc<Policy>,
    /// By its token, and by its certificate.
    who: [Option<Arc<Principal>>; 2],
    request: Request,
    /// What it uses, once it is allowed.
    share: OnceLock<Arc<Share>>,
}

/// What is known of a call beside its caller.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) target: Target,
    pub(super) address: SocketAddr,
    /// Why its caller is nobody, if it is.
    pub(super) unproved: DenialReason,
    /// What its caller proved with a token.
    pub(super) proof: Proof,
}

impl Caller {
    /// One that may do everything that it was admitted for.
    pub fn unrestricted() -> Self {
        Self(None)
    }

    pub(super) fn restricted(
        denials: Arc<Denials>,
        policy: Arc<Policy>,
        who: [Option<Arc<Principal>>; 2],
        request: Request,
    ) -> Self {
        Self(Some(Restricted { denials, policy, who, request, share: OnceLock::new() }))
    }

    /// Who it is, if it proved that.
    pub fn identity(&self) -> Option<&Identity> {
        let caller = self.0.as_ref()?;
        caller.who.iter().flatten().next().map(|who| who.identity())
    }

    /// Whether the caller may do this. The call then counts against its share.
    ///
    /// # Errors
    ///
    /// What the caller is told.
    pub fn authorize(&self, scope: Scope<'_>) -> Result<(), Denial> {
        self.0.as_ref().map_or(Ok(()), |caller| caller.authorize(scope))
    }

    /// Takes the bytes of an answer out of the caller's share.
    pub fn take_bytes(&self, bytes: usize) {
        if let Some(share) = self.0.as_ref().and_then(|caller| caller.share.get()) {
            share.take_bytes(bytes, Instant::now());
        }
    }

    /// Whether the caller may call the method for this table.
    pub fn can_call_for(&self, table: &str) -> bool {
        self.0.as_ref().is_none_or(|caller| caller.find(Scope::Table(table)).is_some())
    }

    /// Whether the caller may know that this table exists.
    pub fn can_see(&self, table: &str) -> bool {
        let can_see = |caller: &Restricted| {
            caller.principals().any(|who| caller.policy.is_visible(who, table))
        };
        self.0.as_ref().is_none_or(can_see)
    }

    /// Fails if no entry lets the caller call the method for any table.
    pub(super) fn check_method(&self) -> Result<(), Denial> {
        let Some(caller) = &self.0 else { return Ok(()) };
        let has_entry = |who: &Arc<Principal>| caller.policy.has_entry(who, caller.request.target);
        if caller.principals().any(has_entry) { Ok(()) } else { Err(caller.deny()) }
    }

    /// What the caller proved with a token. None where there is no policy.
    pub(super) fn proof(&self) -> Option<Proof> {
        self.0.as_ref().map(|caller| caller.request.proof)
    }

    /// Counts a call with a credential that does not count.
    pub(super) fn refuse(&self, reason: DenialReason) -> Denial {
        if let Some(caller) = &self.0 {
            caller.count(reason);
        }
        Denial::Unauthenticated
    }
}

impl Restricted {
    fn authorize(&self, scope: Scope<'_>) -> Result<(), Denial> {
        let Some((who, used)) = self.find(scope) else { return Err(self.deny()) };
        let counts = self.policy.counts(who);
        if let Use::Share(share) = used {
            share.take_call(Instant::now()).map_err(|retry_after| {
                counts.count_shed();
                self.count(DenialReason::ShareExhausted);
                Denial::ShareExhausted { retry_after }
            })?;
            let _ = self.share.set(Arc::clone(share));
        }
        counts.count_allowed();
        Ok(())
    }

    /// Who of those that the caller is may do this, and what it uses.
    fn find(&self, scope: Scope<'_>) -> Option<(&Arc<Principal>, Use<'_>)> {
        self.principals().find_map(|who| {
            let used = self.policy.allow(who, self.request.target, scope)?;
            Some((who, used))
        })
    }

    /// Those that the caller proved to be, or nobody.
    fn principals(&self) -> impl Iterator<Item = &Arc<Principal>> {
        let nobody = Some(self.policy.anonymous()).filter(|_| !self.has_proved());
        self.who.iter().flatten().chain(nobody)
    }

    fn has_proved(&self) -> bool {
        self.who.iter().any(Option::is_some)
    }

    fn deny(&self) -> Denial {
        if let Some(who) = self.principals().next() {
            self.policy.counts(who).count_denied();
        }
        let has_proved = self.has_proved();
        self.count(if has_proved { DenialReason::NotAllowed } else { self.request.unproved });
        if has_proved { Denial::PermissionDenied } else { Denial::Unauthenticated }
    }

    fn count(&self, reason: DenialReason) {
        let Request { id, target, address, .. } = &self.request;
        let who = self.principals().next().unwrap_or(self.policy.anonymous());
        let denied = Denied { id, target: *target, who: who.identity(), peer: *address };
        self.denials.count(reason, &denied);
    }
}
