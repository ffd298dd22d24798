//! Sources: the part of a record that a key or a field is taken from.
//!
//! Owns their text forms: `/part/of/document` (JSON Pointer, RFC 6901), `@key`,
//! `@key/part/of/key` and `@header/NAME`. Reading the part from a record is up to `pluck`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

/// What to write for a source.
pub(super) const SOURCE: &str =
    "a JSON Pointer such as \"/id\", \"@key\", \"@key/id\" or \"@header/NAME\"";

/// The part of a record that a key or a field is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The key of the Kafka record, written `@key`.
    RecordKey,
    /// A part of the key of the Kafka record, which is JSON, written `@key` and a JSON Pointer.
    InRecordKey(Pointer),
    /// The last header of this name on the Kafka record, written `@header/NAME`.
    Header(Box<str>),
    /// A part of the JSON document, written as a JSON Pointer.
    Pointer(Pointer),
}

/// A JSON Pointer (RFC 6901) with at least one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(Box<[Box<str>]>);

impl Pointer {
    /// The reference tokens from the root inwards, unescaped; at least one. A token is the name
    /// of a member of an object, or the index of an item of an array.
    pub fn tokens(&self) -> &[Box<str>] {
        &self.0
    }
}

/// Why a text is not a [`Source`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSource {
    /// An empty text. To RFC 6901 it means the whole document.
    #[error("an empty pointer means the whole document, and only parts of it are kept")]
    Empty,
    /// Neither a pointer nor a form with an at sign.
    #[error("a JSON Pointer begins with a slash")]
    NoSlash,
    /// A tilde that does not begin an escape.
    #[error("a tilde is written ~0 and a slash within a name ~1, and here is another ~")]
    BadEscape,
    /// An at sign followed by an unknown word.
    #[error("after @ comes key, key/POINTER or header/NAME")]
    UnknownForm,
    /// `@header/` without a name.
    #[error("the header has no name")]
    NoHeaderName,
}

impl FromStr for Source {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        match text.strip_prefix('@') {
            None => text.parse().map(Self::Pointer),
            Some("key") => Ok(Self::RecordKey),
            Some(form) => match (form.strip_prefix("header/"), form.strip_prefix("key")) {
                (Some(""), _) => Err(InvalidSource::NoHeaderName),
                (Some(name), _) => Ok(Self::Header(name.into())),
                (None, Some(pointer)) if pointer.starts_with('/') => {
                    pointer.parse().map(Self::InRecordKey)
                }
                (None, _) => Err(InvalidSource::UnknownForm),
            },
        }
    }
}

impl FromStr for Pointer {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        if text.is_empty() {
            return Err(InvalidSource::Empty);
        }
        let tokens = text.strip_prefix('/').ok_or(InvalidSource::NoSlash)?;
        tokens.split('/').map(unescape).collect::<Result<_, _>>().map(Self)
    }
}

fn unescape(token: &str) -> Result<Box<str>, InvalidSource> {
    let mut parts = token.split('~');
    let mut plain = String::from(parts.next().unwrap_or_default());
    for part in parts {
        let (sign, rest) = match (part.strip_prefix('0'), part.strip_prefix('1')) {
            (Some(rest), _) => ('~', rest),
            (_, Some(rest)) => ('/', rest),
            (None, None) => return Err(InvalidSource::BadEscape),
        };
        plain.push(sign);
        plain.push_str(rest);
    }
    Ok(plain.into())
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RecordKey => f.write_str("@key"),
            Self::InRecordKey(pointer) => write!(f, "@key{pointer}"),
            Self::Header(name) => write!(f, "@header/{name}"),
            Self::Pointer(pointer) => pointer.fmt(f),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let pointer: Pointer = text.parse().unwrap();
        pointer.tokens().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_pointer_is_split_at_slashes_and_unescaped() {
        assert_eq!(tokens("/a/b"), ["a", "b"]);
        assert_eq!(tokens("/a~1b/m~0n/~01"), ["a/b", "m~n", "~1"]);
        assert_eq!(tokens("/"), [""]);
        assert_eq!(tokens("/items/0//x"), ["items", "0", "", "x"]);
    }

    #[test]
    fn every_form_reads_back_from_its_own_text() {
        for text in [
            "@key",
            "@key/payload/id",
            "@key/",
            "@header/trace-id",
            "@header/a/b",
            "/",
            "/a~1b/m~0n/~01",
            "/é/0",
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_not_a_source_is_refused_with_the_reason() {
        for (text, why) in [
            ("", InvalidSource::Empty),
            ("id", InvalidSource::NoSlash),
            ("/a~", InvalidSource::BadEscape),
            ("/a~2", InvalidSource::BadEscape),
            ("@value", InvalidSource::UnknownForm),
            ("@key ", InvalidSource::UnknownForm),
            ("@keys/id", InvalidSource::UnknownForm),
            ("@key/a~", InvalidSource::BadEscape),
            ("@header/", InvalidSource::NoHeaderName),
        ] {
            assert_eq!(text.parse::<Source>(), Err(why), "{text:?}");
        }
    }
}
