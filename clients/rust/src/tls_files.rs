//! Where the files of a client's TLS are. A build without TLS has the options too, and refuses them.

use std::path::PathBuf;

/// What is verified of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    Full,
    None,
}

/// Where a client finds whom it trusts and who it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsFiles {
    /// The CAs. Without it those of the system.
    pub(crate) ca: Option<PathBuf>,
    /// The client's certificate with its chain, and its key.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    pub(crate) fn is_empty(&self) -> bool {
        self.ca.is_none() && self.certificate.is_none()
    }
}
