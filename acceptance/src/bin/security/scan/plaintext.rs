//! A caller who speaks plaintext to a port with TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;

use super::attempt::Port;
use super::finding::Finding;

const PATIENCE: Duration = Duration::from_secs(15);
/// One TLS record with an alert.
const ALERT_BYTES: usize = 7;

/// It gets an alert at most, and no word of the protocol inside.
pub(super) fn finding(port: &Port) -> Result<Finding> {
    let mut socket = TcpStream::connect(&port.address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    // A connection that is reset has said what it said before.
    let _ = socket.read_to_end(&mut answer);
    let is_right = answer.len() <= ALERT_BYTES;
    Ok(Finding::new("plaintext", format!("{} bytes of answer", answer.len()), is_right))
}
