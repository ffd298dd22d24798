//! `[rpc]` and `[admin]`: where the two servers listen, and the memory for responses.

use std::net::SocketAddr;

use serde::Serialize;

use super::form::{Parsed, Size};
use super::section::{Section, Unset};
use super::size::ByteSize;

pub(super) const ABOUT_RPC: &str = "The gRPC server for lookups and statistics.";
pub(super) const ABOUT_ADMIN: &str = "The HTTP server for operators and probes.";
const ADDRESS: &str = "an IP address and port, such as \"0.0.0.0:50051\" or \"[::]:50051\"";
const ABOUT_LISTEN: &str = "The address to listen on. Port 0 takes any free port.";

/// The gRPC server for lookups and statistics.
#[derive(Clone, Debug, Serialize)]
pub struct Rpc {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The memory that responses may take together until their callers have received them.
    pub buffer: ByteSize,
}

/// The HTTP server for operators and probes.
#[derive(Clone, Debug, Serialize)]
pub struct Admin {
    /// The address to listen on.
    pub listen: SocketAddr,
}

impl Rpc {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let listen = read_listen(section, "0.0.0.0:50051");
        let buffer = section.key(
            "buffer",
            // The largest response fits into the smallest buffer.
            &Size(ByteSize::mib(4)..=ByteSize::mib(1024)),
            Unset::Means("6MiB"),
            "Memory for responses that their callers have not received yet, over all calls \
             together. A call whose response does not fit waits.",
        );
        Some(Self { listen: listen?, buffer: buffer? })
    }
}

impl Admin {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        Some(Self { listen: read_listen(section, "0.0.0.0:8080")? })
    }
}

fn read_listen(section: &mut Section<'_>, default: &'static str) -> Option<SocketAddr> {
    section.key("listen", &Parsed::new(ADDRESS), Unset::Means(default), ABOUT_LISTEN)
}
