//! A socket with TLS: what a connection reads and writes is plain.
//!
//! rustls buffers a record that arrives and one that is sent. It would take 64 KiB for one message of a
//! handshake, at any time and from anybody. So what arrives without bringing data has a bound here.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::ServerConnection;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What may arrive in a handshake: a hello, a chain of certificates, and a record of data that is read
/// with them.
const MAX_HANDSHAKE_BYTES: usize = 40 << 10;
/// What may arrive later without bringing data: a full record with all that surrounds it.
const MAX_WITHOUT_DATA_BYTES: usize = 24 << 10;
/// What waits to be sent: a record.
const SEND_BUFFER_BYTES: usize = 16 << 10;

/// A peer sends much, and no data.
#[derive(Debug, Error)]
#[error("it sends too much without data")]
pub(super) struct TooLarge;

/// A socket after its handshake.
#[derive(Debug)]
pub struct TlsSocket(TlsStream<Wire>);

/// The socket below, with records on it.
#[derive(Debug)]
pub(super) struct Wire {
    socket: TcpStream,
    /// What may still arrive without bringing data.
    left_bytes: usize,
}

impl Wire {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, left_bytes: MAX_HANDSHAKE_BYTES }
    }
}

/// Bounds the buffers of a connection whose handshake begins.
pub(super) fn bound(connection: &mut ServerConnection) {
    connection.set_buffer_limit(Some(SEND_BUFFER_BYTES));
}

impl TlsSocket {
    pub(super) fn new(mut stream: TlsStream<Wire>) -> Self {
        stream.get_mut().0.left_bytes = MAX_WITHOUT_DATA_BYTES;
        Self(stream)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
        let left_bytes = self.left_bytes.checked_sub(buffer.filled().len() - before);
        let too_large = || io::Error::new(io::ErrorKind::InvalidData, TooLarge);
        self.left_bytes = left_bytes.ok_or_else(too_large)?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl AsyncRead for TlsSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.0.get_mut().0.left_bytes = MAX_WITHOUT_DATA_BYTES;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
