//! Who an entry of the policy is for: identities by how they were proved, and by name.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What there is to write.
pub(super) const WHO: &str = "\"certificate:NAME\", \"token:NAME\", \"jwt:SUBJECT\", \"anonymous\" \
                              and \"*\"";

/// One identity, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Every identity that was proved.
    Anyone,
    /// A caller that proved nothing.
    Anonymous,
    /// A URI or DNS name of a client certificate.
    Certificate(NamePattern),
    /// The name of a token.
    Token(NamePattern),
    /// The subject of a JWT.
    Jwt(NamePattern),
}

/// A name, or all names that begin with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    name: String,
    is_prefix: bool,
}

impl NamePattern {
    /// Whether a name is meant.
    pub fn matches(&self, name: &str) -> bool {
        if self.is_prefix { name.starts_with(&self.name) } else { name == self.name }
    }
}

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "*" => Ok(Self::Anyone),
            None if text == "anonymous" => Ok(Self::Anonymous),
            // A DNS name, which has no case.
            Some(("certificate", name)) if !name.contains("://") => {
                name.to_ascii_lowercase().parse().map(Self::Certificate)
            }
            Some(("certificate", name)) => name.parse().map(Self::Certificate),
            Some(("token", name)) => name.parse().map(Self::Token),
            Some(("jwt", subject)) => subject.parse().map(Self::Jwt),
            _ => Err("not a kind of identity".into()),
        }
    }
}

impl FromStr for NamePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let prefix = text.strip_suffix('*');
        let (name, is_prefix) = (prefix.unwrap_or(text), prefix.is_some());
        let is_whole = name.is_empty() || name.ends_with(['/', ':']);
        if name.contains('*') || is_prefix && !is_whole {
            return Err("a * stands for whole parts of a name: at its end, after a / or a :".into());
        }
        if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("there is no name, or a space is in it".into());
        }
        Ok(Self { name: name.into(), is_prefix })
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("*"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Certificate(name) => write!(f, "certificate:{name}"),
            Self::Token(name) => write!(f, "token:{name}"),
            Self::Jwt(subject) => write!(f, "jwt:{subject}"),
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, if self.is_prefix { "*" } else { "" })
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_written_as_it_is_read() {
        for text in [
            "*",
            "anonymous",
            "certificate:spiffe://td/ns/shop/sa/web",
            "certificate:spiffe://td/ns/shop/*",
            "certificate:web.shop.svc",
            "token:web",
            "token:*",
            "jwt:system:serviceaccount:shop:web",
            "jwt:system:serviceaccount:shop:*",
        ] {
            assert_eq!(text.parse::<Who>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_identity_is_refused() {
        for text in ["", "web", "user:web", "token:", "token:a b", "token:a*", "jwt:a:*:b", "**"] {
            assert!(text.parse::<Who>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_star_stands_for_whole_parts_only() {
        let pattern: NamePattern = "spiffe://td/ns/shop/*".parse().unwrap();
        assert!(pattern.matches("spiffe://td/ns/shop/sa/web"));
        assert!(!pattern.matches("spiffe://td/ns/shop2/sa/web"));
        assert!(!pattern.matches("spiffe://td/ns/shop"));
        let name: NamePattern = "web".parse().unwrap();
        assert!(name.matches("web") && !name.matches("webs"));
    }

    #[test]
    fn dns_names_are_compared_in_small_letters() {
        let who: Who = "certificate:Web.Shop".parse().unwrap();
        assert_eq!(who.to_string(), "certificate:web.shop");
    }
}
