//! The ports that can have TLS.

/// A port, which has a section of the configuration and a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// gRPC.
    Rpc,
    /// HTTP for operators.
    Admin,
}

impl Port {
    /// The section of its configuration.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Rpc => "rpc.tls",
            Self::Admin => "admin.tls",
        }
    }

    /// The protocol that is agreed on in the handshake (ALPN).
    pub(super) fn protocol(self) -> Vec<u8> {
        match self {
            Self::Rpc => b"h2".into(),
            Self::Admin => b"http/1.1".into(),
        }
    }
}
