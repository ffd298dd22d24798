//! `[rpc]` and `[admin]`: where the two servers listen, and what answers may take.

use std::net::SocketAddr;

use serde::Serialize;

use super::form::{Parsed, Size};
use super::report::Report;
use super::section::{Section, Unset};
use super::size::ByteSize;

pub(super) const ABOUT_RPC: &str = "Where lookups and statistics are answered, over gRPC.";
pub(super) const ABOUT_ADMIN: &str = "Where operators and probes are answered, over HTTP.";
const ADDRESS: &str = "an IP address and port, such as \"0.0.0.0:50051\" or \"[::]:50051\"";
const ABOUT_LISTEN: &str = "The address to listen on. Port 0 takes any free port.";

/// Where lookups are answered.
#[derive(Clone, Debug, Serialize)]
pub struct Rpc {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// What answers on their way to callers may take together.
    pub in_flight: ByteSize,
}

/// Where operators are answered.
#[derive(Clone, Debug, Serialize)]
pub struct Admin {
    /// The address to listen on.
    pub listen: SocketAddr,
}

impl Rpc {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let listen = read_listen(section, "0.0.0.0:50051");
        let in_flight = section.key(
            "in_flight",
            // The largest answer fits in the least.
            &Size(ByteSize::mib(4)..=ByteSize::mib(1024)),
            Unset::Means("6MiB"),
            "What answers on their way to callers may take together; a call whose answer does \
             not fit waits for its turn.",
        );
        Some(Self { listen: listen?, in_flight: in_flight? })
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

/// Checks that both can listen at once.
pub(super) fn check_together(rpc: &Rpc, admin: &Admin, report: &mut Report) {
    let (one, other) = (rpc.listen, admin.listen);
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    if one.port() != 0 && one.port() == other.port() && (is_any || one.ip() == other.ip()) {
        let wrong = format!("found \"{other}\": rpc.listen takes this port");
        report.fault("admin.listen", wrong, "give each server a port of its own");
    }
}
