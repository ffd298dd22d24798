//! Repairs what JSON's grammar allows and the parser refuses: half a surrogate pair in a string, and
//! a number too large for a double.
//!
//! Neither says anything about the rest of a document, so neither may lose it. The repair changes
//! no offset and no structure: a half becomes the escape of U+FFFD, and a number a zero of the
//! same length. What stood there is still in the payload, where `source_text` finds it.

use super::number;
use super::tokens::next_token;

/// Repairs a copy of a payload. Whether there was anything to repair.
pub(super) fn repair(copy: &mut [u8]) -> bool {
    let (mut is_repaired, mut from) = (false, 0);
    while let Some(range) = next_token(copy, from) {
        from = range.end;
        let token = copy.get_mut(range).unwrap_or_default();
        is_repaired |= match token.first() {
            Some(b'"') => repair_string(token),
            Some(b'-' | b'0'..=b'9') => repair_number(token),
            _ => false,
        };
    }
    is_repaired
}

/// Whether a string, as it is written, has half a surrogate pair in it.
pub(super) fn has_lone_surrogate(string: &[u8]) -> bool {
    next_lone_surrogate(string, 0).is_some()
}

fn repair_string(string: &mut [u8]) -> bool {
    let mut from = 0;
    while let Some(at) = next_lone_surrogate(string, from) {
        from = at + ESCAPE_BYTES;
        if let Some(escape) = string.get_mut(at..from) {
            escape.copy_from_slice(b"\\ufffd");
        }
    }
    from > 0
}

fn repair_number(number: &mut [u8]) -> bool {
    if !str::from_utf8(number).is_ok_and(number::is_beyond_doubles) {
        return false;
    }
    number.fill(b'0');
    // Any number that is too large has more than two characters.
    if let Some(point) = number.get_mut(1) {
        *point = b'.';
    }
    true
}

/// The length of an escape such as `\ud83d`.
const ESCAPE_BYTES: usize = 6;

/// Where the next escape of half a surrogate pair begins, at `from` or after it.
fn next_lone_surrogate(string: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(&byte) = string.get(at) {
        let is_pair = || matches!(code_unit(string, at + ESCAPE_BYTES), Some(0xdc00..=0xdfff));
        at += match code_unit(string, at) {
            Some(0xd800..=0xdbff) if is_pair() => 2 * ESCAPE_BYTES,
            Some(0xd800..=0xdfff) => return Some(at),
            Some(_) => ESCAPE_BYTES,
            None if byte == b'\\' => 2,
            None => 1,
        };
    }
    None
}

/// The UTF-16 code unit of the escape at `at`, if one is there.
fn code_unit(string: &[u8], at: usize) -> Option<u16> {
    let digits = string.get(at..at + ESCAPE_BYTES)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(text: &str) -> Option<String> {
        let mut copy = text.as_bytes().to_owned();
        repair(&mut copy).then(|| String::from_utf8(copy).unwrap())
    }

    #[test]
    fn half_a_surrogate_pair_becomes_the_replacement_character() {
        for (text, expected) in [
            (r#""a\ud83dz""#, r#""a\ufffdz""#),
            (r#"{"\uDE00":1}"#, r#"{"\ufffd":1}"#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
        ] {
            assert_eq!(repaired(text).as_deref(), Some(expected), "{text}");
        }
        for text in [r#""\ud83d\ude00""#, r#""\\ud83d""#, r#""\u0041""#, r"\ud83d", r#""\ud8"#] {
            assert_eq!(repaired(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_beyond_doubles_becomes_a_zero_of_its_length() {
        assert_eq!(repaired("[1e999,-2e400, 3]").as_deref(), Some("[0.000,0.0000, 3]"));
        assert_eq!(repaired(&"9".repeat(400)).map(|it| it.len()), Some(400));
        for text in ["1e308", "1.e999", "\"1e999\"", "01e999", "-", "1e999x"] {
            assert_eq!(repaired(text), None, "{text}");
        }
    }
}
