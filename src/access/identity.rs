//! Who a caller is: the names that it proved.
//!
//! What a name may do is not known here.

use std::fmt;
use std::sync::Arc;

/// The longest name that counts. Longer ones name nobody.
const MAX_NAME_BYTES: usize = 256;

/// One name, and how it was proved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A URI or DNS name of a client certificate.
    Certificate(Arc<str>),
    /// The name of a token in the file of tokens.
    Token(Arc<str>),
    /// The subject of a JWT.
    Jwt(Arc<str>),
    /// The caller proved nothing.
    Anonymous,
}

/// As a policy names it.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(name) => write!(f, "certificate:{name}"),
            Self::Token(name) => write!(f, "token:{name}"),
            Self::Jwt(subject) => write!(f, "jwt:{subject}"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// Whether a name can be shown and compared: not empty, not long, and without spaces and control
/// characters.
pub(super) fn is_plain(name: &str) -> bool {
    let is_odd = |c: char| c.is_control() || c.is_whitespace();
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.contains(is_odd)
}
