//! What is wrong with the files of a port.

use thiserror::Error;

use super::port::Port;

/// One fault. It shows nothing of what is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{section}.{key}: {file}: {wrong}; {cure}")]
pub struct Fault {
    /// The section of the configuration.
    pub section: &'static str,
    /// The key that names the file.
    pub key: &'static str,
    /// The file.
    pub file: String,
    /// What is wrong.
    pub wrong: String,
    /// What to do.
    pub cure: &'static str,
}

/// A file that a key names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) port: Port,
    pub(super) key: &'static str,
    pub(super) file: &'a str,
}

impl Named<'_> {
    pub(super) fn fault(self, wrong: impl Into<String>, cure: &'static str) -> Fault {
        let (section, file) = (self.port.section(), self.file.to_owned());
        Fault { section, key: self.key, file, wrong: wrong.into(), cure }
    }
}
