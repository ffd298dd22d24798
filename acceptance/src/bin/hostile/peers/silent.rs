//! Peers that connect, begin something, and then say no more.

use std::time::Duration;

use millpond_acceptance::frames::{self, Kind, PREFACE};

use crate::peer::About;
use crate::raw::Raw;

/// A peer that is turned away does not come back at once: these peers hold, they do not storm.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn peers() -> Vec<Raw> {
    let from_all = |name, does| About::new(name, does, 2_000).with_addresses(40).pausing(PAUSE);
    let opening_and = |more: &[u8]| [&frames::opening()[..], more].concat();
    let frame_head = frames::head(Kind::Headers, 0, 1, frames::LARGEST_PAYLOAD_BYTES);
    let half_head = frame_head.get(..5).unwrap_or_default();
    let mut almost_whole = frame_head.clone();
    almost_whole.resize(frames::HEAD_BYTES + frames::LARGEST_PAYLOAD_BYTES - 1, 0);
    let many = About::new("silent-connections", "say nothing", 10_000).pausing(PAUSE);
    vec![
        Raw::new(many, Vec::new()),
        Raw::new(from_all("silent-addresses", "say nothing, from many addresses"), Vec::new()),
        Raw::new(
            from_all("half-preface", "send half the preface"),
            PREFACE.get(..10).unwrap_or_default().to_vec(),
        ),
        Raw::new(from_all("silent-preface", "send the preface and settings"), frames::opening()),
        Raw::new(
            from_all("half-frame-head", "send half of a frame's head"),
            opening_and(half_head),
        ),
        Raw::new(
            from_all("half-frame", "send a frame of 16 KiB but its last byte"),
            opening_and(&almost_whole),
        ),
        Raw::new(
            from_all("http1", "speak HTTP/1 to the gRPC port"),
            b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
        ),
        Raw::new(from_all("tls-hello", "begin TLS where there is none"), tls_hello()),
    ]
}

/// The begin of a TLS handshake: a record that announces a `ClientHello` of 512 bytes.
fn tls_hello() -> Vec<u8> {
    let mut bytes = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    bytes.resize(517, 0x5a);
    bytes
}
