//! An object or array of a document, and how it is written again: compact, its members in their order.
//!
//! A name that is given twice is written twice. Numbers are written as the document spells them, and
//! escapes in their shortest form, so a text is never longer than its source. Needs no memory but
//! the text that it writes.

use std::fmt::{self, Write};

use super::scan::{Portable, Scan};
use super::string::{JsonString, Piece};

/// An object or array with everything that it contains.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Container<'d>(&'d str);

impl<'d> Container<'d> {
    /// The container that this is the JSON text of. The text was checked to be one.
    pub(super) fn written(text: &'d str) -> Self {
        Self(text)
    }

    /// Writes it as JSON text. Fails only if `text` does.
    pub(crate) fn write(self, text: &mut impl Write) -> fmt::Result {
        let mut rest = self.0;
        while let Some((before, from)) = split_at(rest, |byte| matches!(byte, b'"' | ..=b' ')) {
            text.write_str(before)?;
            rest = match string_at(from) {
                Some((string, after)) => {
                    write_string(text, JsonString::written(string))?;
                    after
                }
                None => from.get(1..).unwrap_or_default(),
            };
        }
        text.write_str(rest)
    }
}

fn split_at(text: &str, is_there: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    text.split_at_checked(text.bytes().position(is_there)?)
}

/// The string with which a text begins, without its quotes, and what follows it; `None` if the
/// text begins otherwise.
fn string_at(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let mut end = 0;
    loop {
        end = Portable.end_of_plain(text.as_bytes(), end);
        match text.as_bytes().get(end)? {
            b'\\' => end += 2,
            _ => break,
        }
    }
    Some((text.get(..end)?, text.get(end + 1..)?))
}

fn write_string(text: &mut impl Write, string: JsonString<'_>) -> fmt::Result {
    text.write_char('"')?;
    for piece in string.pieces() {
        match piece {
            Piece::Plain(plain) => text.write_str(plain)?,
            Piece::Escaped(escaped) => write_escaped(text, escaped)?,
            Piece::LoneSurrogate => text.write_char(char::REPLACEMENT_CHARACTER)?,
        }
    }
    text.write_char('"')
}

fn write_escaped(text: &mut impl Write, escaped: char) -> fmt::Result {
    text.write_str(match escaped {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\x08' => "\\b",
        '\x0c' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\0'..='\x1f' => return write!(text, "\\u{:04x}", u32::from(escaped)),
        _ => return text.write_char(escaped),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(text: &str) -> String {
        let mut written = String::new();
        Container::written(text).write(&mut written).unwrap();
        written
    }

    #[test]
    fn white_space_between_tokens_is_left_out() {
        let text = " {\n\t\"a b\" : [ 1.50 , -0,\r\n{ } ],\"\":\"\" } ";
        assert_eq!(compact(text), r#"{"a b":[1.50,-0,{}],"":""}"#);
    }

    #[test]
    fn escapes_are_written_in_their_shortest_form() {
        for (text, expected) in [
            (r#"["\u0041\/\u002f"]"#, r#"["A//"]"#),
            (r#"["\u0022\u005c\u000a\u0008"]"#, r#"["\"\\\n\b"]"#),
            (r#"["\u0000\u001F\u007f"]"#, "[\"\\u0000\\u001f\u{7f}\"]"),
            (r#"["\ud83d\ude00","\ud83d \\\""]"#, "[\"\u{1f600}\",\"\u{fffd} \\\\\\\"\"]"),
            (r#"{"\\":"}","\"":" "}"#, r#"{"\\":"}","\"":" "}"#),
        ] {
            assert_eq!(compact(text), expected, "{text}");
        }
    }
}
