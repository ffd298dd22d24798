//! HTTP/2 frames made by hand, for peers that send what no client library sends, and a reader that
//! says what a service answered to them.
//!
//! Owns the bytes of frames and of header blocks. Knows nothing of connections.

mod answers;

pub use answers::{Answer, Answers};

/// The first bytes of a connection.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The size of a frame's head.
pub const HEAD_BYTES: usize = 9;
/// The largest payload of a frame unless a peer allows more.
pub const LARGEST_PAYLOAD_BYTES: usize = 16 << 10;

/// This frame is the last one of its stream in this direction.
pub const END_STREAM: u8 = 0x1;
/// This frame ends the header block.
pub const END_HEADERS: u8 = 0x4;
const ACK: u8 = 0x1;

/// The types of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Part of a body.
    Data = 0,
    /// The begin of a header block, which opens a stream.
    Headers = 1,
    /// The abrupt end of a stream.
    Reset = 3,
    /// Settings, or their acknowledgement.
    Settings = 4,
    /// A ping, or its answer.
    Ping = 6,
    /// The end of a connection.
    GoAway = 7,
    /// Room for more bytes of bodies.
    WindowUpdate = 8,
    /// More of a header block.
    Continuation = 9,
}

/// A frame.
pub fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(kind, flags, stream, payload.len());
    bytes.extend_from_slice(payload);
    bytes
}

/// The head of a frame whose payload has `payload_bytes`.
#[expect(clippy::cast_possible_truncation, reason = "a frame has less than 16 MiB")]
pub fn head(kind: Kind, flags: u8, stream: u32, payload_bytes: usize) -> Vec<u8> {
    let [_, high, middle, low] = (payload_bytes as u32).to_be_bytes();
    let mut bytes = vec![high, middle, low, kind as u8, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes
}

/// What a well-behaved client sends first: the preface, its settings, and the acknowledgement of the
/// service's settings.
pub fn opening() -> Vec<u8> {
    [PREFACE, &settings(&[]), &settings_acknowledgement()].concat()
}

/// A frame of settings, by their numbers.
pub fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let each =
        values.iter().map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
    frame(Kind::Settings, 0, 0, &each.collect::<Vec<_>>().concat())
}

/// The acknowledgement of the settings of the other side.
pub fn settings_acknowledgement() -> Vec<u8> {
    frame(Kind::Settings, ACK, 0, &[])
}

/// A ping.
pub fn ping(number: u64) -> Vec<u8> {
    frame(Kind::Ping, 0, 0, &number.to_be_bytes())
}

/// Resets a stream, as a client that cancels a call.
pub fn reset(stream: u32) -> Vec<u8> {
    const CANCEL: u32 = 8;
    frame(Kind::Reset, 0, stream, &CANCEL.to_be_bytes())
}

/// Allows `bytes` more of a stream, or of the connection if `stream` is 0.
pub fn window_update(stream: u32, bytes: u32) -> Vec<u8> {
    frame(Kind::WindowUpdate, 0, stream, &bytes.to_be_bytes())
}

/// Says that no more streams come, without an error.
pub fn go_away() -> Vec<u8> {
    frame(Kind::GoAway, 0, 0, &[0; 8])
}

/// The header block of a gRPC call.
pub fn call(path: &str) -> Vec<u8> {
    // Fields of the static table: POST, http, and the names :path and :authority.
    let mut block = vec![0x83, 0x86, 0x04];
    push_text(&mut block, path);
    block.push(0x01);
    push_text(&mut block, "localhost");
    block.extend(literal("content-type", "application/grpc"));
    block.extend(literal("te", "trailers"));
    block
}

/// A header field that is not remembered.
pub fn literal(name: &str, value: &str) -> Vec<u8> {
    field(0x00, name, value)
}

/// A header field that the other side remembers, as the newest of its dynamic table.
pub fn remembered(name: &str, value: &str) -> Vec<u8> {
    field(0x40, name, value)
}

/// The newest field of the dynamic table.
pub const NEWEST_REMEMBERED: u8 = 0x80 | 0x3e;

fn field(first: u8, name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![first];
    push_text(&mut bytes, name);
    push_text(&mut bytes, value);
    bytes
}

/// Text behind its length, which is an integer with a prefix of seven bits.
fn push_text(block: &mut Vec<u8>, text: &str) {
    const PREFIX: usize = 0x7f;
    if text.len() < PREFIX {
        block.push(low_bits(text.len()));
    } else {
        block.push(low_bits(PREFIX));
        let mut rest = text.len() - PREFIX;
        while rest >= 0x80 {
            block.push(0x80 | low_bits(rest));
            rest >>= 7;
        }
        block.push(low_bits(rest));
    }
    block.extend_from_slice(text.as_bytes());
}

#[expect(clippy::cast_possible_truncation, reason = "the other bits are meant to go")]
fn low_bits(number: usize) -> u8 {
    (number & 0x7f) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_its_length_kind_flags_and_stream_before_its_payload() {
        let bytes = frame(Kind::Data, END_STREAM, 5, b"abc");
        assert_eq!(bytes, [&[0, 0, 3, 0, 1, 0, 0, 0, 5][..], b"abc"].concat());
        assert_eq!(ping(1).len(), HEAD_BYTES + 8);
    }

    #[test]
    fn a_text_of_127_bytes_and_more_has_a_length_of_several_bytes() {
        let lengths = [126, 127, 128, 300, 5_000].map(|length| {
            let mut block = Vec::new();
            push_text(&mut block, &"x".repeat(length));
            block.truncate(block.len() - length);
            block
        });
        let expected: [&[u8]; 5] =
            [&[126], &[127, 0], &[127, 1], &[127, 0xad, 1], &[127, 0x89, 38]];
        assert_eq!(lengths.each_ref().map(Vec::as_slice), expected);
    }
}
