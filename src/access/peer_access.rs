//! What the calls of one connection may do. The certificate is looked at once.

use std::net::SocketAddr;
use std::sync::Arc;

use super::caller::{Caller, Request};
use super::certificate;
use super::credential;
use super::denials::{Denial, Denied};
use super::digest::digest;
use super::gate::Gate;
use super::jwt::Jwts;
use super::policy::{Policy, Principal};
use super::proof::Proof;
use super::target::Target;
use super::tokens::Tokens;
use crate::request_id::RequestId;
use crate::stats::DenialReason;

/// One connection. Clones are the same.
#[derive(Debug, Clone)]
pub struct PeerAccess {
    gate: Arc<Gate>,
    address: SocketAddr,
    is_loopback: bool,
    certificate: Certificate,
}

#[derive(Debug, Clone)]
enum Certificate {
    None,
    NamesNobody,
    Of(Arc<Principal>),
}

/// Whom a token is of, and what was proved with it.
type Credential = (Option<Arc<Principal>>, Proof);

const NO_CREDENTIAL: Credential = (None, Proof::None);

impl PeerAccess {
    pub(super) fn new(gate: Arc<Gate>, address: SocketAddr, der: Option<&[u8]>) -> Self {
        let certificate = match (&gate.policy, der) {
            (Some(policy), Some(der)) => {
                let owner = policy.principal(&certificate::identities(der));
                owner.map_or(Certificate::NamesNobody, Certificate::Of)
            }
            _ => Certificate::None,
        };
        // An IPv4 address may come as an IPv6 address.
        let is_loopback = address.ip().to_canonical().is_loopback();
        Self { gate, address, is_loopback, certificate }
    }

    /// Finds out who makes a call, from its `authorization` headers too, and whether it may be
    /// allowed. What it asks for is not read yet.
    ///
    /// # Errors
    ///
    /// What its caller is told.
    pub fn admit<'a>(
        &self,
        id: &RequestId,
        target: Target,
        authorization: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Caller, Denial> {
        let Some(policy) = &self.gate.policy else { return self.admit_by_address(id, target) };
        let caller = match self.credential(authorization) {
            Ok(credential) => self.caller(policy, id, target, credential),
            Err(reason) => {
                return Err(self.caller(policy, id, target, NO_CREDENTIAL).refuse(reason));
            }
        };
        caller.check_method()?;
        Ok(caller)
    }

    /// Who makes a call that everybody may make. Those who prove more get to see more.
    pub fn recognise<'a>(
        &self,
        id: &RequestId,
        authorization: impl Iterator<Item = &'a [u8]>,
    ) -> Caller {
        let Some(policy) = &self.gate.policy else { return Caller::unrestricted() };
        let credential = self.credential(authorization).unwrap_or(NO_CREDENTIAL);
        self.caller(policy, id, Target::Unknown, credential)
    }

    /// Whether the token that let a call in still counts. A call that takes long has to ask now and
    /// then. The certificate of a connection is not looked at: when its CA is taken out, the
    /// connection ends.
    ///
    /// # Errors
    ///
    /// What its caller is told.
    pub fn check_again(&self, caller: &Caller) -> Result<(), Denial> {
        let reason = match caller.proof() {
            None | Some(Proof::None) => return Ok(()),
            Some(Proof::Token(digest)) => {
                let is_known = |tokens: &Arc<Tokens>| tokens.find(&digest).is_some();
                let is_known = self.gate.tokens.as_ref().is_some_and(is_known);
                (!is_known).then_some(DenialReason::UnknownToken)
            }
            Some(Proof::Jwt(proof)) => {
                let fault = |jwts: &Jwts| jwts.check_again(proof);
                self.gate.jwts.as_ref().map_or(Some(DenialReason::UnknownJwtKey), fault)
            }
        };
        reason.map_or(Ok(()), |reason| Err(caller.refuse(reason)))
    }

    fn admit_by_address(&self, id: &RequestId, target: Target) -> Result<Caller, Denial> {
        if target.is_for_everybody() || self.is_loopback {
            return Ok(Caller::unrestricted());
        }
        let denied = Denied { id, target, who: &"", peer: self.address };
        self.gate.denials.count(DenialReason::NotLoopback, &denied);
        Err(Denial::PermissionDenied)
    }

    fn caller(
        &self,
        policy: &Arc<Policy>,
        id: &RequestId,
        target: Target,
        (credential, proof): Credential,
    ) -> Caller {
        let (certificate, unproved) = match &self.certificate {
            Certificate::Of(owner) => (Some(Arc::clone(owner)), DenialReason::NoCredential),
            Certificate::None => (None, DenialReason::NoCredential),
            Certificate::NamesNobody => (None, DenialReason::CertificateNamesNobody),
        };
        let (id, address) = (id.clone(), self.address);
        let request = Request { id, target, address, unproved, proof };
        let who = [credential, certificate];
        Caller::restricted(Arc::clone(&self.gate.denials), Arc::clone(policy), who, request)
    }

    /// The owner of the token of these headers, and what was proved. None if there is no header, or
    /// nothing to compare a token with.
    fn credential<'a>(
        &self,
        authorization: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Credential, DenialReason> {
        let (tokens, jwts) = (&self.gate.tokens, &self.gate.jwts);
        if tokens.is_none() && jwts.is_none() {
            return Ok(NO_CREDENTIAL);
        }
        let Some(token) = credential::token(authorization)? else { return Ok(NO_CREDENTIAL) };
        let digest = digest(token.as_bytes());
        if let Some(owner) = tokens.as_ref().and_then(|tokens| tokens.find(&digest)) {
            return Ok((Some(owner), Proof::Token(digest)));
        }
        match jwts {
            Some(jwts) if is_jwt(token) || tokens.is_none() => {
                let (owner, proof) = jwts.verify(token, &digest)?;
                Ok((Some(owner), Proof::Jwt(proof)))
            }
            _ => Err(DenialReason::UnknownToken),
        }
    }
}

/// Whether a token has the three parts of a JWT.
fn is_jwt(token: &str) -> bool {
    token.split('.').count() == 3
}
