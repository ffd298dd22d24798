//! `[admin]`: where the HTTP server for operators listens.

use std::net::SocketAddr;

use serde::Serialize;

use super::listen::read_listen;
use super::section::Section;

pub(super) const ABOUT: &str = "The HTTP server for operators and probes.";

/// The HTTP server for operators and probes.
#[derive(Clone, Debug, Serialize)]
pub struct Admin {
    /// The address to listen on.
    pub listen: SocketAddr,
}

impl Admin {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        Some(Self { listen: read_listen(section, "0.0.0.0:8080")? })
    }
}
