//! A setting that is `auto`: it fits the memory limit.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use super::form::Form;
use super::tree::Kind;

/// A setting that is computed where it is `auto`. It is written as `auto` in any case, so that
/// replicas with the same configuration have the same text under any limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitted<T> {
    /// This value under the limit that the configuration is sized for, and the one of a large limit
    /// before that.
    Auto(T),
    /// This value under any limit.
    Written(T),
}

impl<T: Copy> Fitted<T> {
    /// The value.
    pub fn get(self) -> T {
        let (Self::Auto(value) | Self::Written(value)) = self;
        value
    }

    /// Changes the value, if it is not written.
    pub(super) fn fit(&mut self, value: T) {
        if let Self::Auto(fitted) = self {
            *fitted = value;
        }
    }
}

impl<T: Display> Fitted<T> {
    /// The value as text, if it is not written.
    pub(super) fn auto_text(&self) -> Option<String> {
        match self {
            Self::Auto(value) => Some(value.to_string()),
            Self::Written(_) => None,
        }
    }
}

impl<T: Serialize> Serialize for Fitted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto(_) => serializer.serialize_str(AUTO),
            Self::Written(value) => value.serialize(serializer),
        }
    }
}

const AUTO: &str = "auto";

/// A value, or `auto`, which means this value as long as the limit is not known.
pub(super) struct OrAuto<F: Form>(pub(super) F, pub(super) F::Value);

impl<F: Form<Value: Copy>> Form for OrAuto<F> {
    type Value = Fitted<F::Value>;

    fn wanted(&self) -> String {
        format!("\"{AUTO}\" or {}", self.0.wanted())
    }

    fn parse(&self, text: &str) -> Result<Self::Value, String> {
        if text == AUTO {
            Ok(Fitted::Auto(self.1))
        } else {
            self.0.parse(text).map(Fitted::Written)
        }
    }

    fn parse_as(&self, kind: Kind, text: &str) -> Result<Self::Value, String> {
        if text != AUTO && !self.0.accepts(kind) {
            return Err("a number goes without quotes".into());
        }
        self.parse(text)
    }

    fn accepts(&self, kind: Kind) -> bool {
        kind == Kind::Text || self.0.accepts(kind)
    }
}
