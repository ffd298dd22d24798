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
mod gate;
mod identity;
mod jwt;
mod peer_access;
mod policy;
mod proof;
mod seen;
mod shares;
mod target;
mod token_lines;
mod tokens;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

pub use caller::Caller;
pub use denials::Denial;
pub use exposure::Exposure;
pub use identity::Identity;
pub use peer_access::PeerAccess;
pub use target::{Scope, Target};

use crate::config;
use crate::heap::Account;
use crate::stats::AccessStats;
use gate::Gate;

/// Who may do what. Clones share it.
#[derive(Debug, Clone)]
pub struct Access(Arc<Gate>);

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
        Ok(Self(Arc::new(Gate::start(config, account)?)))
    }

    /// What the calls of one connection may do. `certificate` is the peer's, in DER and verified.
    pub fn of_connection(&self, address: SocketAddr, certificate: Option<&[u8]>) -> PeerAccess {
        PeerAccess::new(Arc::clone(&self.0), address, certificate)
    }

    /// Who called, and what was denied.
    pub fn stats(&self) -> AccessStats {
        self.0.stats()
    }
}

#[cfg(test)]
mod tests;
