//! `[admin]`: where the HTTP server for operators listens.

use std::net::SocketAddr;

use serde::Serialize;

use super::form::Optional;
use super::listen::{ADDRESS, read_listen};
use super::section::{Section, Unset};
use super::tls::{self, Tls};

pub(super) const ABOUT: &str = "The HTTP server for operators and probes.";

/// The HTTP server for operators and probes.
#[derive(Clone, Debug, Serialize)]
pub struct Admin {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// A second address, for probes alone and without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_listen: Option<SocketAddr>,
    /// Its certificate. None: it speaks plaintext.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

impl Admin {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let listen = read_listen(section, "0.0.0.0:8080");
        let probe_listen = section.key(
            "probe_listen",
            &Optional(ADDRESS),
            Unset::Derived("none", || None),
            "A second address, in plaintext, for `/livez` and `/readyz` alone: for an orchestrator \
             that has no client certificate.",
        );
        let tls = section.optional_section("tls", tls::ABOUT, Tls::read);
        Some(Self { listen: listen?, probe_listen: probe_listen?, tls: tls? })
    }
}
