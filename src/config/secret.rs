//! A text that is never shown.
//!
//! Whatever prints, logs or serialises it gets `<hidden>`: that is so by its type, and no list of
//! names has to know it.

use std::fmt;

use serde::{Serialize, Serializer};

/// A secret. Only [`expose`](Self::expose) gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What is shown in place of a secret.
pub(super) const HIDDEN: &str = "<hidden>";

impl Secret {
    /// The text itself, for whoever has to show it to the other side and nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_in_every_form() {
        let secret = Secret::from("hunter2".to_owned());
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)).matches("hunter2").count(), 0);
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"<hidden>\"");
        assert_eq!(secret.expose(), "hunter2");
    }
}
