//! Several listeners on one port: the system spreads the connections over them.
//!
//! Owns the sockets until they are served. It knows neither threads nor protocols.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be accepted by one listener.
const BACKLOG: i32 = 1024;
/// What the system keeps of a connection before it is read. It takes twice as much, and counts it
/// against the container's limit. More would gain nothing: HTTP/2's window is no larger.
const RECEIVE_BYTES: usize = 64 << 10;
/// What the system takes of a response before the peer has room for it. By itself it would take up
/// to 4 MiB for each peer that reads slowly.
const UNSENT_BYTES: u32 = 64 << 10;

/// Whether other sockets may have the same address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Address {
    Alone,
    Shared,
}

/// So many listeners on one address. If its port is 0, all get the same free port.
pub(super) fn listeners(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    if count < 2 {
        return Ok(vec![listen(bind(address, Address::Alone)?)?]);
    }
    // A shared address can be bound by another process too, and each would get a part of the
    // connections. Whether there is one shows only in an attempt to have it alone.
    drop(bind(address, Address::Alone)?);
    let first = bind(address, Address::Shared)?;
    let address = first.local_addr()?.as_socket().unwrap_or(address);
    let rest = (1..count).map(|_| bind(address, Address::Shared));
    let sockets: Vec<_> = std::iter::once(Ok(first)).chain(rest).collect::<io::Result<_>>()?;
    // All are bound before one listens: the first connection finds all of them.
    sockets.into_iter().map(listen).collect()
}

fn bind(address: SocketAddr, kind: Address) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Otherwise a restart would wait for the connections of the last run.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(kind == Address::Shared)?;
    socket.set_nonblocking(true)?;
    // Connections inherit these from their listener.
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(socket: Socket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn all_listeners_have_the_same_port() {
        for count in 1..5 {
            let listeners = listeners(ANY_PORT, count).unwrap();
            let address = listeners[0].local_addr().unwrap();
            assert_eq!(listeners.len(), count);
            assert!(listeners.iter().all(|each| each.local_addr().unwrap() == address));
        }
    }

    #[test]
    fn a_port_that_others_listen_on_is_not_shared_with_them() {
        for [ours, theirs] in [[1, 1], [1, 3], [3, 1], [3, 3]] {
            let taken = listeners(ANY_PORT, theirs).unwrap();
            let error = listeners(taken[0].local_addr().unwrap(), ours).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{ours} beside {theirs}");
        }
    }
}
