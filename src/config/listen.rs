//! `listen`: the key that each server has.

use std::net::SocketAddr;

use super::form::Parsed;
use super::section::{Section, Unset};

const ADDRESS: &str = "an IP address and port, such as \"0.0.0.0:50051\" or \"[::]:50051\"";
const ABOUT: &str = "The address to listen on. Port 0 takes any free port.";

pub(super) fn read_listen(section: &mut Section<'_>, default: &'static str) -> Option<SocketAddr> {
    section.key("listen", &Parsed::new(ADDRESS), Unset::Means(default), ABOUT)
}
