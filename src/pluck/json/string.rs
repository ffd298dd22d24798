//! A string of a document, as it is written between its quotes, and the text that it stands for.
//!
//! Half of a surrogate pair stands for no character. It becomes U+FFFD in the text, which is then not
//! all of what was sent.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// A string whose escapes are not resolved yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonString<'d> {
    written: &'d str,
    has_escapes: bool,
}

/// A part of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'d> {
    /// Characters without any escape.
    Plain(&'d str),
    /// The character of an escape, or of two.
    Escaped(char),
    /// The escape of half a surrogate pair.
    LoneSurrogate,
}

impl<'d> JsonString<'d> {
    /// The longest text with escapes that [`Self::short`] resolves.
    const SHORT_BYTES: usize = 256;

    /// The string that is written so between its quotes. Its escapes were checked.
    pub(super) fn written(written: &'d str) -> Self {
        Self { written, has_escapes: written.contains('\\') }
    }

    /// A text in which a backslash is a backslash.
    pub(super) fn plain(text: &'d str) -> Self {
        Self { written: text, has_escapes: false }
    }

    /// The text, if there are no escapes in it.
    pub(crate) fn as_plain(self) -> Option<&'d str> {
        (!self.has_escapes).then_some(self.written)
    }

    /// The text, if it is all of what was sent and short where there are escapes in it: that is enough
    /// for numbers and times.
    pub(crate) fn short(self) -> Option<Cow<'d, str>> {
        if !self.has_escapes {
            return Some(Cow::Borrowed(self.written));
        }
        let is_whole = self.written.len() <= Self::SHORT_BYTES && !self.has_lone_surrogate();
        let mut text = String::new();
        (is_whole && self.write(&mut text).is_ok()).then_some(Cow::Owned(text))
    }

    /// The bytes that the text has.
    pub(crate) fn text_bytes(self) -> usize {
        let bytes_of = |piece| match piece {
            Piece::Plain(plain) => plain.len(),
            Piece::Escaped(escaped) => escaped.len_utf8(),
            Piece::LoneSurrogate => char::REPLACEMENT_CHARACTER.len_utf8(),
        };
        self.pieces().map(bytes_of).sum()
    }

    /// Writes the text. Fails only if `text` does.
    pub(crate) fn write(self, text: &mut impl Write) -> fmt::Result {
        for piece in self.pieces() {
            match piece {
                Piece::Plain(plain) => text.write_str(plain)?,
                Piece::Escaped(escaped) => text.write_char(escaped)?,
                Piece::LoneSurrogate => text.write_char(char::REPLACEMENT_CHARACTER)?,
            }
        }
        Ok(())
    }

    /// Whether this is its text, and all of what was sent.
    pub(crate) fn is_equal(self, text: &str) -> bool {
        let mut buffer = [0; 4];
        let rest = self.pieces().try_fold(text, |rest, piece| match piece {
            Piece::Plain(plain) => rest.strip_prefix(plain),
            Piece::Escaped(escaped) => rest.strip_prefix(&*escaped.encode_utf8(&mut buffer)),
            Piece::LoneSurrogate => None,
        });
        rest.is_some_and(str::is_empty)
    }

    /// Whether half a surrogate pair is in it.
    pub(crate) fn has_lone_surrogate(self) -> bool {
        self.pieces().any(|piece| piece == Piece::LoneSurrogate)
    }

    /// Its parts, in their order.
    pub(super) fn pieces(self) -> impl Iterator<Item = Piece<'d>> {
        let mut rest = self.written;
        std::iter::from_fn(move || {
            let (piece, after) = next_piece(rest, self.has_escapes)?;
            rest = after;
            Some(piece)
        })
    }
}

fn next_piece(text: &str, has_escapes: bool) -> Option<(Piece<'_>, &str)> {
    if text.is_empty() {
        return None;
    }
    let next_escape = if has_escapes { text.find('\\') } else { None };
    match next_escape {
        Some(0) => unescape(text.strip_prefix('\\')?),
        end => {
            let (plain, after) = text.split_at_checked(end.unwrap_or(text.len()))?;
            Some((Piece::Plain(plain), after))
        }
    }
}

/// What an escape stands for, without its backslash, and what follows it.
fn unescape(escape: &str) -> Option<(Piece<'_>, &str)> {
    let mut characters = escape.chars();
    let escaped = match characters.next()? {
        'u' => return unescape_unicode(characters.as_str()),
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        itself => itself,
    };
    Some((Piece::Escaped(escaped), characters.as_str()))
}

fn unescape_unicode(digits: &str) -> Option<(Piece<'_>, &str)> {
    let (unit, after) = code_unit(digits)?;
    if let Some(character) = char::from_u32(u32::from(unit)) {
        return Some((Piece::Escaped(character), after));
    }
    let low = after.strip_prefix("\\u").and_then(code_unit);
    let pair = low.and_then(|(low, after)| {
        let mut decoded = char::decode_utf16([unit, low]);
        Some((Piece::Escaped(decoded.next()?.ok()?), after))
    });
    Some(pair.unwrap_or((Piece::LoneSurrogate, after)))
}

fn code_unit(digits: &str) -> Option<(u16, &str)> {
    let (digits, after) = digits.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(written: &str) -> String {
        let mut text = String::new();
        JsonString::written(written).write(&mut text).unwrap();
        text
    }

    #[test]
    fn escapes_are_resolved() {
        for (written, expected) in [
            ("", ""),
            ("plain \u{e9}", "plain \u{e9}"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\x08\x0c\n\r\t"),
            (r"a\u00e9b\u0000", "a\u{e9}b\0"),
            (r"\ud83d\ude00!", "\u{1f600}!"),
            (r"a\ud83dz", "a\u{fffd}z"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\\ud83d", r"\ud83d"),
        ] {
            assert_eq!(text(written), expected, "{written}");
            let string = JsonString::written(written);
            assert_eq!(string.text_bytes(), expected.len());
            assert_eq!(string.is_equal(expected), !string.has_lone_surrogate(), "{written}");
            assert!(!string.is_equal(&format!("{expected}x")), "{written}");
            assert!(expected.len() <= written.len());
        }
    }

    #[test]
    fn a_backslash_outside_of_documents_is_one() {
        let plain = JsonString::plain(r"\n");
        assert!(plain.is_equal(r"\n") && plain.as_plain() == Some(r"\n"));
    }

    #[test]
    fn only_a_short_text_that_is_whole_is_resolved_at_once() {
        let short = |written: &str| JsonString::written(written).short().map(Cow::into_owned);
        assert_eq!(short(r"\u0031\u0032").as_deref(), Some("12"));
        assert_eq!(short(&"1".repeat(1_000)).map(|text| text.len()), Some(1_000));
        assert_eq!(short(r"\ud83d"), None);
        assert_eq!(short(&r"\u0031".repeat(100)), None);
    }
}
