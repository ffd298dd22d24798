//! What a service answers on a connection, read from its bytes as they come.
//!
//! Owns no more than the head of one frame and the first bytes of its payload, however much comes.

use std::fmt;

use super::{HEAD_BYTES, Kind};

/// The bytes of a payload that say something: those of GOAWAY.
const KEPT_BYTES: usize = 8;
/// The begin of an answer by HTTP/1, with its status.
const STATUS_LINE_BYTES: usize = "HTTP/1.1 200".len();

/// One thing that a service said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// The head of an answer, or its trailers.
    Headers,
    /// A stream was reset with this code.
    Reset(u32),
    /// The connection ends with this code.
    GoAway(u32),
    /// An answer by HTTP/1 with this status.
    Http1(String),
}

/// Reads the bytes of one connection.
#[derive(Debug, Default)]
pub struct Answers {
    kept: Vec<u8>,
    /// The bytes of the current payload that are passed over.
    skip: usize,
}

impl Answers {
    /// What these bytes complete. Frames that say nothing of a call are left out.
    pub fn read(&mut self, mut bytes: &[u8]) -> Vec<Answer> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let taken = self.wanted().saturating_sub(self.kept.len()).min(bytes.len());
            let (now, later) = bytes.split_at(taken);
            self.kept.extend_from_slice(now);
            bytes = later;
            if self.kept.len() == self.wanted() {
                found.extend(self.complete());
            }
        }
        found
    }

    /// The bytes to keep of the current frame, as far as its begin is known.
    fn wanted(&self) -> usize {
        if self.is_http1() {
            STATUS_LINE_BYTES
        } else if self.kept.len() < HEAD_BYTES {
            HEAD_BYTES
        } else {
            HEAD_BYTES + self.payload_bytes().min(KEPT_BYTES)
        }
    }

    fn is_http1(&self) -> bool {
        // As a frame that would be one of four million bytes.
        self.kept.first() == Some(&b'H')
    }

    fn payload_bytes(&self) -> usize {
        let bytes = self.kept.get(..3).unwrap_or_default();
        bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    }

    fn complete(&mut self) -> Option<Answer> {
        if self.is_http1() {
            // No frame has as many bytes as are skipped from here on.
            self.skip = usize::MAX;
            let status = self.kept.get("HTTP/1.1 ".len()..).unwrap_or_default();
            let status = String::from_utf8_lossy(status).into_owned();
            self.kept.clear();
            return Some(Answer::Http1(status));
        }
        self.skip = self.payload_bytes().saturating_sub(KEPT_BYTES);
        let kept = std::mem::take(&mut self.kept);
        let code = |at| number(kept.get(HEAD_BYTES + at..).unwrap_or_default());
        match kept.get(3).copied() {
            Some(kind) if kind == Kind::Headers as u8 => Some(Answer::Headers),
            Some(kind) if kind == Kind::Reset as u8 => Some(Answer::Reset(code(0))),
            Some(kind) if kind == Kind::GoAway as u8 => Some(Answer::GoAway(code(4))),
            _ => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Headers => write!(f, "answered"),
            Self::Reset(code) => write!(f, "reset ({})", name(*code)),
            Self::GoAway(code) => write!(f, "goaway ({})", name(*code)),
            Self::Http1(status) => write!(f, "HTTP {status}"),
        }
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

/// The name of an error code of HTTP/2, by RFC 9113.
fn name(code: u32) -> String {
    const NAMES: [&str; 14] = [
        "no error",
        "protocol error",
        "internal error",
        "flow-control error",
        "settings timeout",
        "stream closed",
        "frame-size error",
        "refused stream",
        "cancel",
        "compression error",
        "connect error",
        "enhance your calm",
        "inadequate security",
        "HTTP/1.1 required",
    ];
    let known = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    known.map_or_else(|| code.to_string(), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{END_HEADERS, call, frame, ping, reset, settings};
    use super::*;

    fn conversation() -> Vec<u8> {
        let headers = frame(Kind::Headers, END_HEADERS, 1, &call("/any"));
        let data = frame(Kind::Data, 0, 1, &vec![0; 20_000]);
        let go_away = frame(Kind::GoAway, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 11, b'x']);
        [settings(&[]), headers, data, ping(7), reset(1), go_away].concat()
    }

    #[test]
    fn answers_are_found_however_the_bytes_are_cut() {
        for size in [1, 5, 9, 100_000] {
            let mut answers = Answers::default();
            let bytes = conversation();
            let found: Vec<_> = bytes.chunks(size).flat_map(|part| answers.read(part)).collect();
            assert_eq!(found, [Answer::Headers, Answer::Reset(8), Answer::GoAway(11)], "{size}");
        }
    }

    #[test]
    fn an_answer_by_http_1_is_its_status() {
        let mut answers = Answers::default();
        let found = answers.read(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n");
        assert_eq!(found, [Answer::Http1("408".into())]);
        assert_eq!(found[0].to_string(), "HTTP 408");
    }

    #[test]
    fn an_error_code_has_its_name() {
        assert_eq!(Answer::GoAway(11).to_string(), "goaway (enhance your calm)");
        assert_eq!(Answer::Reset(99).to_string(), "reset (99)");
    }
}
