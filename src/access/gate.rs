//! What identities are proved with, and what the policy lets them do: all that connections share.
//!
//! Owns what keeps tokens and keys current. Connections and calls are not known here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::denials::Denials;
use super::jwt::Jwts;
use super::policy::Policy;
use super::tokens::Tokens;
use super::watch::{Pace, Watch};
use crate::config;
use crate::heap::Account;
use crate::stats::AccessStats;

/// How soon a changed file of tokens is read.
const TOKENS_INTERVAL: Duration = Duration::from_secs(1);

/// What connections share.
#[derive(Debug)]
pub(super) struct Gate {
    /// None: everybody may look up.
    pub(super) policy: Option<Arc<Policy>>,
    pub(super) tokens: Option<Arc<Tokens>>,
    pub(super) jwts: Option<Jwts>,
    pub(super) denials: Arc<Denials>,
    _watch: Option<Watch>,
}

impl Gate {
    /// Starts what keeps tokens and keys current. What that allocates is charged to `account`.
    ///
    /// # Errors
    ///
    /// When a file is bad, or the system gives no thread.
    pub(super) fn start(config: &config::Access, account: &Account) -> io::Result<Self> {
        let policy = Policy::new(&config.allow).map(Arc::new);
        let (mut tokens, mut jwts, mut watch) = (None, None, None);
        if let (Some(policy), Some(config::Tokens { file })) = (&policy, &config.tokens) {
            let loaded =
                Tokens::load(file.clone(), Arc::clone(policy)).map_err(io::Error::other)?;
            let loaded = Arc::new(loaded);
            watch = Some(watch_tokens(Arc::clone(&loaded), account)?);
            tokens = Some(loaded);
        }
        if let (Some(policy), Some(config)) = (&policy, &config.jwt) {
            jwts = Some(Jwts::start(config, Arc::clone(policy), account)?);
        }
        let denials = Arc::new(Denials::new());
        Ok(Self { policy, tokens, jwts, denials, _watch: watch })
    }

    /// Who called, and what was denied.
    pub(super) fn stats(&self) -> AccessStats {
        let Self { policy, tokens, jwts, denials, .. } = self;
        AccessStats {
            has_policy: policy.is_some(),
            denied: denials.read(),
            identities: policy.as_ref().map(|policy| policy.seen().read()).unwrap_or_default(),
            tokens: tokens.as_ref().map(|tokens| tokens.stats()),
            jwt_keys: jwts.as_ref().map(Jwts::stats),
        }
    }
}

fn watch_tokens(tokens: Arc<Tokens>, account: &Account) -> io::Result<Watch> {
    Watch::start("tokens", account, Pace::every(TOKENS_INTERVAL), move || {
        tokens.refresh();
        true
    })
}
