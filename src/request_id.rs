//! The id of a call, by which its caller finds it in the log.
//!
//! It is the caller's own, if that is sane, or one that is made here. This file does not know where
//! callers write theirs.

use std::fmt;
use std::sync::Arc;

/// The longest id that is taken from a caller, in bytes.
const MAX_BYTES: usize = 64;

/// The id of one call. Clones are the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Id);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Id {
    Given(Arc<str>),
    /// Written when somebody reads it, so a call that succeeds allocates nothing for it.
    Made([u64; 2]),
}

impl RequestId {
    /// The id that a caller gives: 1 to 64 visible ASCII characters. Anything else is replaced.
    pub fn of(given: &[u8]) -> Self {
        let is_sane = (1..=MAX_BYTES).contains(&given.len());
        let is_sane = is_sane && given.iter().all(u8::is_ascii_graphic);
        match std::str::from_utf8(given) {
            Ok(text) if is_sane => Self(Id::Given(text.into())),
            _ => Self::random(),
        }
    }

    /// An id that no other call has.
    pub fn random() -> Self {
        Self(Id::Made([fastrand::u64(..), fastrand::u64(..)]))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Id::Given(text) => f.write_str(text),
            Id::Made([high, low]) => write!(f, "{high:016x}{low:016x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_of_a_caller_is_kept() {
        for given in ["a", "7f3c-42", &"x".repeat(64)] {
            assert_eq!(RequestId::of(given.as_bytes()).to_string(), given);
        }
    }

    #[test]
    fn any_other_id_is_replaced() {
        let long = "x".repeat(65);
        for given in ["", "a b", "a\n", "\u{e9}", "\u{7f}", &long] {
            let made = RequestId::of(given.as_bytes()).to_string();
            assert!(made.len() == 32 && made.bytes().all(|b| b.is_ascii_hexdigit()), "{made}");
        }
        assert_ne!(RequestId::random(), RequestId::random());
    }
}
