//! The TLS of each port, by the configuration.

use crate::config::{self, Config};
use crate::tls::{self, Port, Tls};

/// The TLS of each port that has it.
pub(super) struct TlsOfPorts {
    pub(super) rpc: Option<Tls>,
    pub(super) admin: Option<Tls>,
}

impl TlsOfPorts {
    pub(super) fn load(config: &Config) -> Result<Self, tls::Fault> {
        let load = |port, config: Option<&config::Tls>| {
            config.map(|config| Tls::load(port, config)).transpose()
        };
        Ok(Self {
            rpc: load(Port::Rpc, config.rpc.tls.as_ref())?,
            admin: load(Port::Admin, config.admin.tls.as_ref())?,
        })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Tls> {
        [&self.rpc, &self.admin].into_iter().flatten().cloned()
    }
}
