//! Who may do what on the gRPC port: identities, and the policy that is closed to all others.
//!
//! ```text
//! connection: certificate -> names    \
//!                                       Principal: the entries that name it -> Caller
//! call: authorization -> token or JWT /                                          |
//!                                               method, then table: allowed, or a Denial
//! ```
//!
//! Without a policy everybody may look up, and only peers on loopback may do anything else. This
//! module knows names, methods and tables. It knows neither HTTP nor gRPC: `rpc` asks it, and tells
//! callers.

mod bucket;
mod caller;
mod certificate;
mod credential;
mod denials;
mod digest;
mod exposure;
mod files;
mod identity;
mod jwt;
mod peer_access;
mod policy;
mod seen;
mod shares;
mod target;
mod token_lines;
mod tokens;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use caller::Caller;
pub use denials::Denial;
pub use exposure::Exposure;
pub use peer_access::PeerAccess;
pub use target::{Scope, Target};

use crate::config;
use crate::heap::Account;
use crate::stats::AccessStats;
use denials::Denials;
use jwt::Jwts;
use policy::Policy;
use tokens::Tokens;
use watch::{Pace, Watch};

/// How soon a changed file of tokens is read.
const TOKENS_INTERVAL: Duration = Duration::from_secs(1);

/// Who may do what. Clones share it.
#[derive(Debug, Clone)]
pub struct Access(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    policy: Option<Arc<Policy>>,
    tokens: Option<Arc<Tokens>>,
    jwts: Option<Jwts>,
    denials: Denials,
    _watch: Option<Watch>,
}

/// Checks the files of a configuration as they are now.
///
/// # Errors
///
/// The first file that is bad: its key, what is wrong, and what to do.
pub fn check(config: &config::Access) -> Result<(), String> {
    if let Some(config::Tokens { file }) = &config.tokens {
        let checked = tokens::check(file);
        checked.map_err(|why| format!("rpc.tokens.file: {}: {why}", file.display()))?;
    }
    if let Some(config::Jwt { keys, .. }) = &config.jwt {
        jwt::check(keys).map_err(|why| format!("rpc.jwt.jwks_file: {keys}: {why}"))?;
    }
    Ok(())
}

impl Access {
    /// Starts what keeps tokens and keys current. What that allocates is charged to `account`.
    ///
    /// # Errors
    ///
    /// When a file is bad, or the system gives no thread.
    pub fn start(config: &config::Access, account: &Account) -> io::Result<Self> {
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
        let denials = Denials::new();
        Ok(Self(Arc::new(Shared { policy, tokens, jwts, denials, _watch: watch })))
    }

    /// What the calls of one connection may do. `certificate` is the peer's, in DER and verified.
    pub fn of_connection(&self, address: SocketAddr, certificate: Option<&[u8]>) -> PeerAccess {
        PeerAccess::new(self.clone(), address, certificate)
    }

    /// Who called, and what was denied.
    pub fn stats(&self) -> AccessStats {
        let Shared { policy, tokens, jwts, denials, .. } = &*self.0;
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

#[cfg(test)]
mod tests;
