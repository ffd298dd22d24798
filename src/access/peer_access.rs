//! What the calls of one connection may do. The certificate is looked at once.

use std::net::SocketAddr;
use std::sync::Arc;

use super::caller::{Caller, Request};
use super::certificate;
use super::credential;
use super::denials::Denial;
use super::digest::digest;
use super::gate::Gate;
use super::policy::{Policy, Principal};
use super::target::Target;
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
        target: Target,
        authorization: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Caller, Denial> {
        let Some(policy) = &self.gate.policy else { return self.admit_by_address(target) };
        let caller = match self.credential(authorization) {
            Ok(credential) => self.caller(policy, target, credential),
            Err(reason) => return Err(self.caller(policy, target, None).refuse(reason)),
        };
        caller.check_method()?;
        Ok(caller)
    }

    /// Who makes a call that everybody may make. Those who prove more get to see more.
    pub fn recognise<'a>(&self, authorization: impl Iterator<Item = &'a [u8]>) -> Caller {
        let Some(policy) = &self.gate.policy else { return Caller::unrestricted() };
        let credential = self.credential(authorization).ok().flatten();
        self.caller(policy, Target::Unknown, credential)
    }

    fn admit_by_address(&self, target: Target) -> Result<Caller, Denial> {
        if target.is_for_everybody() || self.is_loopback {
            return Ok(Caller::unrestricted());
        }
        let denials = &self.gate.denials;
        denials.count(target, DenialReason::NotLoopback, &"", self.address);
        Err(Denial::PermissionDenied)
    }

    fn caller(
        &self,
        policy: &Arc<Policy>,
        target: Target,
        credential: Option<Arc<Principal>>,
    ) -> Caller {
        let (certificate, unproved) = match &self.certificate {
            Certificate::Of(owner) => (Some(Arc::clone(owner)), DenialReason::NoCredential),
            Certificate::None => (None, DenialReason::NoCredential),
            Certificate::NamesNobody => (None, DenialReason::CertificateNamesNobody),
        };
        let request = Request { target, address: self.address, unproved };
        let who = [credential, certificate];
        Caller::restricted(Arc::clone(&self.gate.denials), Arc::clone(policy), who, request)
    }

    /// The owner of the token of these headers. None if there is no header, or nothing to compare a
    /// token with.
    fn credential<'a>(
        &self,
        authorization: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Arc<Principal>>, DenialReason> {
        let (tokens, jwts) = (&self.gate.tokens, &self.gate.jwts);
        if tokens.is_none() && jwts.is_none() {
            return Ok(None);
        }
        let Some(token) = credential::token(authorization)? else { return Ok(None) };
        let digest = digest(token.as_bytes());
        if let Some(owner) = tokens.as_ref().and_then(|tokens| tokens.find(&digest)) {
            return Ok(Some(owner));
        }
        match jwts {
            Some(jwts) if is_jwt(token) || tokens.is_none() => {
                jwts.verify(token, &digest).map(Some)
            }
            _ => Err(DenialReason::UnknownToken),
        }
    }
}

/// Whether a token has the three parts of a JWT.
fn is_jwt(token: &str) -> bool {
    token.split('.').count() == 3
}
