//! `listen`: the key that each server has.

use std::net::{AddrParseError, SocketAddr};

use super::form::Parsed;
use super::section::{Section, Unset};

/// The form of an address to listen on.
pub(super) const ADDRESS: Parsed<SocketAddr> = Parsed {
    wanted: "an IP address and port, such as \"0.0.0.0:50051\" or \"[::]:50051\"",
    parse: |text| text.parse().map_err(|error: AddrParseError| error.to_string()),
};
const ABOUT: &str = "The address to listen on. Port 0 takes any free port.";

pub(super) fn read_listen(section: &mut Section<'_>, default: &'static str) -> Option<SocketAddr> {
    section.key("listen", &ADDRESS, Unset::Means(default), ABOUT)
}
