//! Who is at the other end of a connection, as far as the transport can prove it.
//!
//! What the certificate says, and what its owner may do, is not known here.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use rustls::pki_types::CertificateDer;

/// The other end of one connection.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct Peer {
    /// Its address.
    pub(in crate::rpc) address: SocketAddr,
    /// Its own certificate, verified by the CA for clients. None without TLS, and where the peer
    /// sent none.
    pub(in crate::rpc) certificate: Option<CertificateDer<'static>>,
}

impl Peer {
    /// Who counts as one peer with it.
    pub(in crate::rpc) fn group(&self) -> IpAddr {
        group_of(self.address.ip())
    }
}

/// Who counts as one peer. A host with IPv6 has a whole /64 to choose its addresses from.
pub(super) fn group_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_peer_and_a_mapped_address_is_its_ipv4_address() {
        for (one, other, are_one) in [
            ("2001:db8::1", "2001:db8::ffff:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.2", false),
        ] {
            let [a, b]: [IpAddr; 2] = [one, other].map(|ip| ip.parse().unwrap());
            assert_eq!(group_of(a) == group_of(b), are_one, "{one} and {other}");
        }
    }
}
