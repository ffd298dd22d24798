//! A peer that speaks HTTP/2 frame by frame, and only what a test tells it to.
//!
//! Owns the shape of frames. It answers nothing by itself, neither settings nor pings. Knows nothing
//! of the service behind the port.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::service::PATIENCE;

/// The first bytes of every connection.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GO_AWAY: u8 = 7;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A gRPC message without fields, in its frame.
pub(crate) const EMPTY_MESSAGE: &[u8] = &[0; 5];

/// A connection.
pub(crate) struct Http2 {
    socket: TcpStream,
}

/// A frame that the service sent.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The bytes of the headers of a call.
pub(crate) fn headers(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &header_block(path))
}

/// A whole call with an empty message.
pub(crate) fn call(stream: u32, path: &str) -> Vec<u8> {
    [headers(stream, path), frame(DATA, END_STREAM, stream, EMPTY_MESSAGE)].concat()
}

/// The headers of a call, compressed: POST and http by their numbers, and the rest as it is.
pub(crate) fn header_block(path: &str) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    let text = |block: &mut Vec<u8>, text: &str| {
        block.push(u8::try_from(text.len()).unwrap());
        block.extend(text.as_bytes());
    };
    block.push(0x04);
    text(&mut block, path);
    for (name, value) in [("content-type", "application/grpc"), ("te", "trailers")] {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

impl Http2 {
    /// Connects and says nothing.
    pub(crate) async fn silent(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        Self { socket }
    }

    /// The same, from another address of this machine.
    pub(crate) async fn silent_from(from: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        Self { socket: socket.connect(address).await.unwrap() }
    }

    /// Connects and sets the connection up, once the service takes it.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let mut connection = Self::silent(address).await;
        connection.set_up().await;
        connection
    }

    pub(crate) async fn set_up(&mut self) {
        self.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        self.wait_for(SETTINGS).await;
        self.send(&frame(SETTINGS, ACK, 0, &[])).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    /// Waits until the service has taken all that was sent before.
    pub(crate) async fn flush(&mut self) {
        self.send(&frame(PING, 0, 0, &[7; 8])).await;
        while self.wait_for(PING).await.payload != [7; 8] {}
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// The next frame. None if the service closed the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        timeout(PATIENCE, self.read()).await.expect("a frame or the end")
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.socket.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.socket.read_exact(&mut payload).await.ok()?;
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    /// The next frame of this kind.
    pub(crate) async fn wait_for(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().await.expect("the connection is open");
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Waits until the service closes the connection. Returns the kinds of the frames before that,
    /// and the last error that it named.
    pub(crate) async fn closed(&mut self) -> (Vec<u8>, Option<u8>) {
        let (mut kinds, mut error) = (Vec::new(), None);
        while let Some(frame) = self.next().await {
            kinds.push(frame.kind);
            if frame.kind == GO_AWAY {
                error = Some(frame.payload[7]);
            }
        }
        (kinds, error)
    }
}
