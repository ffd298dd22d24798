//! The service that peers attack, and the addresses that they come from.
//!
//! Every address of 127.0.0.0/8 is this machine, so peers can come from as many addresses as they
//! like. The well-behaved client has 127.0.0.1 for itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

/// A port of the service.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Port {
    Rpc,
    Admin,
}

/// The ports of a service, as one peer reaches them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) rpc: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Tells the addresses of one peer from those of the others.
    pub(crate) network: u8,
}

impl Target {
    /// Connects from the address with this number.
    pub(crate) async fn connect(&self, port: Port, address: u16) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.source(address), 0))?;
        let stream = socket.connect(self.port(port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn port(&self, port: Port) -> SocketAddr {
        match port {
            Port::Rpc => self.rpc,
            Port::Admin => self.admin,
        }
    }

    fn source(&self, address: u16) -> IpAddr {
        let [high, low] = (address + 1).to_be_bytes();
        Ipv4Addr::new(127, self.network, high, low).into()
    }
}
