//! The tokens of a payload: of each value and each name, where its text begins and ends.
//!
//! The parser makes one node of each token, in the same order. A container is one token, its
//! opening bracket. Tokens are found in any bytes, JSON or not.

use std::ops::Range;

/// The tokens of some bytes.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'d> {
    bytes: &'d [u8],
    at: usize,
}

impl<'d> Tokens<'d> {
    /// The tokens that begin at `at` or after it.
    pub(super) fn new(bytes: &'d [u8], at: usize) -> Self {
        Self { bytes, at }
    }
}

impl<'d> Iterator for Tokens<'d> {
    type Item = &'d [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let range = next_token(self.bytes, self.at)?;
        self.at = range.end;
        self.bytes.get(range)
    }
}

/// The first token that begins at `from` or after it.
pub(super) fn next_token(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = bytes.get(from..)?;
    let start = from + rest.iter().position(|byte| !is_between_tokens(*byte))?;
    let (first, rest) = bytes.get(start..)?.split_first()?;
    let len = match first {
        b'{' | b'[' => 0,
        b'"' => string_len(rest),
        _ => rest.iter().position(|byte| ends_scalar(*byte)).unwrap_or(rest.len()),
    };
    Some(start..start + 1 + len)
}

/// How many bytes a string has after its opening quote, with the closing quote.
fn string_len(rest: &[u8]) -> usize {
    let mut is_escaped = false;
    let closing = rest.iter().position(|&byte| {
        let is_closing = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_closing
    });
    closing.map_or(rest.len(), |closing| closing + 1)
}

fn is_between_tokens(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b']' | b'}')
}

fn ends_scalar(byte: u8) -> bool {
    is_between_tokens(byte) || matches!(byte, b'[' | b'{' | b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_every_value_is_a_token() {
        let payload = br#" {"a\"]": [1.50,{"b" :null}], "":"\\"} "#;
        let tokens: Vec<_> =
            Tokens::new(payload, 0).map(|it| str::from_utf8(it).unwrap()).collect();
        let expected = ["{", r#""a\"]""#, "[", "1.50", "{", r#""b""#, "null", r#""""#, r#""\\""#];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn any_bytes_have_tokens() {
        for bytes in [&b""[..], b"\"open", b"\\", b"]]", b"\xff\"\\", b"1\"2\"3"] {
            assert!(Tokens::new(bytes, 0).count() <= bytes.len());
        }
        assert_eq!(Tokens::new(b"[1", 7).next(), None);
    }
}
