//! The form of a list of values, such as `["a", "b"]`. One value alone is a list of one.

use super::fault::quoted;
use super::form::Form;
use super::tree::{Content, Kind};

/// A list of at least one value.
pub(super) struct ListOf<F>(pub(super) F);

impl<F: Form> Form for ListOf<F> {
    type Value = Vec<F::Value>;

    fn wanted(&self) -> String {
        format!("a list of {}", self.0.wanted())
    }

    fn parse(&self, text: &str) -> Result<Self::Value, String> {
        Ok(vec![self.0.parse(text)?])
    }

    fn parse_structure(&self, content: &Content) -> Result<Self::Value, String> {
        let values = content.values().ok_or("not a list of values")?;
        if values.is_empty() {
            return Err("it is empty".into());
        }
        let value = |(text, kind): (&str, Kind)| {
            let is_text = self.accepts(kind);
            let value =
                if is_text { self.0.parse(text) } else { Err("this goes in quotes".into()) };
            value.map_err(|why| format!("{}: {why}", quoted(text)))
        };
        values.into_iter().map(value).collect()
    }
}
