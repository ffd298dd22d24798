//! The first step of a connection: its TLS handshake, if the port has TLS.
//!
//! The handshake is a part of the time to set a connection up. A peer that is silent in it makes room
//! for others and ends with the service, like any peer whose connection is not set up.

use std::pin::pin;

use tokio::net::TcpStream;
use tokio::time::sleep_until;

use super::lifetime::{Lifetime, Step};
use super::registry::Connection;
use super::socket::Socket;
use super::stats::CloseReason;
use crate::tls::{ClientChain, Tls};

/// The socket to go on with, and the certificates of the client; or why the connection ends.
pub(super) async fn secure(
    socket: TcpStream,
    tls: Option<&Tls>,
    lifetime: &mut Lifetime,
    connection: &Connection,
) -> Result<(Socket, Option<ClientChain>), CloseReason> {
    let Some(tls) = tls else { return Ok((Socket::Plain(socket), None)) };
    let mut handshake = pin!(tls.accept(socket, connection.peer));
    let mut step = lifetime.next(connection.observe());
    loop {
        let next = match step {
            Step::GoOn(next) | Step::BeginToClose(next) | Step::EndIncomplete(next) => next,
            Step::End(reason) => return Err(reason),
        };
        step = tokio::select! {
            biased;
            secured = &mut handshake => {
                let secured = secured.ok_or(CloseReason::Peer)?;
                return Ok((Socket::Tls(Box::new(secured.socket)), Some(secured.client)));
            }
            reason = connection.asked_to_close() => lifetime.close(reason, connection.observe()),
            () = sleep_until(next) => lifetime.next(connection.observe()),
        };
    }
}

/// Waits until the client of a connection may not go on. Never returns for one without a certificate.
pub(super) async fn certificate_lost(client: &mut Option<ClientChain>) {
    match client {
        Some(client) => client.lost().await,
        None => std::future::pending().await,
    }
}
