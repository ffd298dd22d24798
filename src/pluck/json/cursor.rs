//! A place in a document, and the tokens there: each is checked against JSON's grammar and gone past.
//!
//! All of it is compiled into the walk, once for each way to scan strings.
#![expect(clippy::inline_always, reason = "code for a processor's vectors takes in no other calls")]

use super::scan::Scan;

/// The bytes are not one whole JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Invalid;

/// A place in a document.
#[derive(Debug)]
pub(super) struct Cursor<'d, S> {
    bytes: &'d [u8],
    at: usize,
    scan: S,
}

/// The name of a member, as it is written between its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'d> {
    pub(super) written: &'d [u8],
    /// Its [`head`].
    pub(super) head: u64,
    pub(super) has_escapes: bool,
}

/// How many bytes [`head`] tells.
pub(super) const HEAD_BYTES: usize = 8;

/// The first bytes of a text as one word, so that most texts are told apart at once. Where the text is
/// shorter, zeros follow.
pub(super) fn head(text: &[u8]) -> u64 {
    let mut word = [0; HEAD_BYTES];
    word.iter_mut().zip(text).for_each(|(byte, of_text)| *byte = *of_text);
    u64::from_le_bytes(word)
}

impl<'d, S: Scan> Cursor<'d, S> {
    /// The beginning of a document.
    pub(super) fn new(bytes: &'d [u8], scan: S) -> Self {
        Self { bytes, at: 0, scan }
    }

    /// How many bytes are behind it.
    #[inline(always)]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes to the next token. Returns the token's first byte; 0, with which no token begins, at the
    /// end.
    #[inline(always)]
    pub(super) fn seek_token(&mut self) -> u8 {
        loop {
            let byte = self.byte();
            if byte > b' ' || !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return byte;
            }
            self.at += 1;
        }
    }

    /// Goes to the end of the document, which has no further token.
    pub(super) fn pass_end(&mut self) -> Result<(), Invalid> {
        self.seek_token();
        if self.at == self.bytes.len() { Ok(()) } else { Err(Invalid) }
    }

    /// Goes past the opening bracket of a container. Returns whether an item follows; if not, it goes
    /// past the closing bracket too.
    #[inline(always)]
    pub(super) fn pass_opening(&mut self, closing: u8) -> bool {
        self.at += 1;
        let is_closed = self.seek_token() == closing;
        self.at += usize::from(is_closed);
        !is_closed
    }

    /// Goes past what stands behind an item of a container: a comma, or the closing bracket. Returns
    /// whether another item follows.
    #[inline(always)]
    pub(super) fn pass_separator(&mut self, closing: u8) -> Result<bool, Invalid> {
        let byte = self.seek_token();
        if byte != b',' && byte != closing {
            return Err(Invalid);
        }
        self.at += 1;
        Ok(byte == b',')
    }

    /// Goes past the name of a member and the colon behind it.
    #[inline(always)]
    pub(super) fn pass_name(&mut self) -> Result<Name<'d>, Invalid> {
        if self.seek_token() != b'"' {
            return Err(Invalid);
        }
        let start = self.at + 1;
        let has_escapes = self.pass_string()?;
        let written = self.bytes.get(start..self.at - 1).unwrap_or_default();
        let head = self.head(start, written);
        if self.seek_token() != b':' {
            return Err(Invalid);
        }
        self.at += 1;
        Ok(Name { written, head, has_escapes })
    }

    /// The [`head`] of the text that begins at `start`. Takes a whole word of the document where there
    /// is one, and clears what is behind the text.
    #[inline(always)]
    fn head(&self, start: usize, text: &[u8]) -> u64 {
        let Some(word) = self.bytes.get(start..).and_then(|rest| rest.first_chunk()) else {
            return head(text);
        };
        let is_shorter = text.len() < HEAD_BYTES;
        let used = if is_shorter { (1_u64 << (8 * text.len())) - 1 } else { u64::MAX };
        u64::from_le_bytes(*word) & used
    }

    /// Goes past a value that is no container. It begins here, with `first`.
    #[inline(always)]
    pub(super) fn pass_scalar(&mut self, first: u8) -> Result<(), Invalid> {
        match first {
            b'"' => self.pass_string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.pass_number(first),
            b't' => self.pass_literal(b"true"),
            b'f' => self.pass_literal(b"false"),
            b'n' => self.pass_literal(b"null"),
            _ => Err(Invalid),
        }
    }

    /// Goes past a string. Returns whether there are escapes in it.
    #[inline(always)]
    fn pass_string(&mut self) -> Result<bool, Invalid> {
        self.at += 1;
        let mut has_escapes = false;
        loop {
            self.at = self.scan.end_of_plain(self.bytes, self.at);
            match self.byte() {
                b'"' => break,
                b'\\' => self.pass_escape()?,
                _ => return Err(Invalid),
            }
            has_escapes = true;
        }
        self.at += 1;
        Ok(has_escapes)
    }

    /// Half a surrogate pair is an escape as any other: the grammar has nothing against it.
    #[inline(always)]
    fn pass_escape(&mut self) -> Result<(), Invalid> {
        let escape = self.bytes.get(self.at + 1..).unwrap_or_default();
        self.at += match escape {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(Invalid),
        };
        Ok(())
    }

    #[inline(always)]
    fn pass_number(&mut self, first: u8) -> Result<(), Invalid> {
        self.at += usize::from(first == b'-');
        let is_zero = self.byte() == b'0';
        if is_zero {
            self.at += 1;
        } else {
            self.pass_digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.pass_digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            self.pass_digits()?;
        }
        Ok(())
    }

    /// Goes past digits, of which there must be one.
    #[inline(always)]
    fn pass_digits(&mut self) -> Result<(), Invalid> {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Invalid) }
    }

    #[inline(always)]
    fn pass_literal<const N: usize>(&mut self, literal: &[u8; N]) -> Result<(), Invalid> {
        let here = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk());
        if here != Some(literal) {
            return Err(Invalid);
        }
        self.at += N;
        Ok(())
    }

    /// The byte here; at the end 0, which is no part of any token.
    #[inline(always)]
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }
}
