//! Why there is no connection to a service, in words for people.
//!
//! Names no flag and no variable: programs have other names for what they pass on.

use std::error::Error;
use std::path::PathBuf;

use thiserror::Error;

/// Why there is no connection to a service.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The endpoint is not an address that this client can use.
    #[error("{endpoint}: {reason}; write it as http://HOST:PORT or https://HOST:PORT")]
    Endpoint {
        /// The endpoint as it was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The options contradict each other, or would give a token away.
    #[error("{0}")]
    Options(String),
    /// A file with a certificate, a key or a token cannot be used.
    #[error("{file}: {reason}", file = file.display())]
    File {
        /// The file as it was given.
        file: PathBuf,
        /// What is wrong with it. It holds nothing of the file's content.
        reason: String,
    },
    /// No service answers at the endpoint.
    #[error("cannot reach {endpoint}: {reason}")]
    Unreachable {
        /// The endpoint as it was given.
        endpoint: String,
        /// The innermost cause. The outer ones say only that connecting failed.
        reason: String,
    },
    /// There is a port, and no TLS connection to it.
    #[error("no TLS connection to {endpoint}: {reason}")]
    Tls {
        /// The endpoint as it was given.
        endpoint: String,
        /// What is wrong, and what to do.
        reason: String,
    },
}

impl ConnectError {
    /// The reason that our own connector gave; otherwise the endpoint is unreachable.
    pub(crate) fn of_transport(endpoint: &str, error: &(dyn Error + 'static)) -> Self {
        let own = chain(error).find_map(|each| each.downcast_ref::<Self>());
        own.cloned().unwrap_or_else(|| Self::Unreachable {
            endpoint: endpoint.to_owned(),
            reason: innermost(error),
        })
    }
}

/// The text of the innermost cause.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
