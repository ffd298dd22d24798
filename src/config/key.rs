//! Where a table takes its keys from: one source, or the first of several that has a key.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::fault::quoted;
use super::form::Form;
use super::source::{InvalidSource, SOURCE, Source};
use super::tree::Content;

/// The sources of a table's keys; at least one. The first that has a key counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySources(Box<[Source]>);

impl KeySources {
    /// These sources in their order; `None` if there are none.
    pub fn first_of(sources: impl IntoIterator<Item = Source>) -> Option<Self> {
        let sources: Box<[_]> = sources.into_iter().collect();
        (!sources.is_empty()).then_some(Self(sources))
    }

    /// The sources in their order; at least one.
    pub fn as_slice(&self) -> &[Source] {
        &self.0
    }
}

/// The one source of all keys.
impl From<Source> for KeySources {
    fn from(source: Source) -> Self {
        Self([source].into())
    }
}

/// Writes the sources in the form in which they are read.
impl Serialize for KeySources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [source] = &*self.0 {
            return source.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(FIRST_OF, &self.0)?;
        map.end()
    }
}

const FIRST_OF: &str = "first_of";

/// The form of a key: a source, or `{ first_of = [...] }`.
pub(super) struct KeyForm;

impl Form for KeyForm {
    type Value = KeySources;

    fn wanted(&self) -> String {
        format!("{SOURCE}, or `{{ first_of = [\"/after/id\", \"/before/id\"] }}`")
    }

    fn parse(&self, text: &str) -> Result<KeySources, String> {
        text.parse()
            .map(|source: Source| source.into())
            .map_err(|why: InvalidSource| why.to_string())
    }

    fn parse_structure(&self, content: &Content) -> Result<KeySources, String> {
        let texts = content.only(FIRST_OF).and_then(Content::values);
        let sources = texts.unwrap_or_default().into_iter().map(|(text, _)| parse_item(text));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        KeySources::first_of(sources).ok_or_else(|| "not a list under first_of".into())
    }
}

fn parse_item(text: &str) -> Result<Source, String> {
    text.parse().map_err(|why: InvalidSource| format!("{}: {why}", quoted(text)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALLEST, faults, load};

    fn key_of(key: &str) -> String {
        let text = SMALLEST.replace("key = \"/id\"", &format!("key = {key}"));
        let config = load(&text, &[], &[]).unwrap();
        let again = load(&config.effective(), &[], &[]).unwrap();
        assert_eq!(again.tables[0].key, config.tables[0].key);
        format!(
            "{:?}",
            config.tables[0].key.as_slice().iter().map(ToString::to_string).collect::<Vec<_>>()
        )
    }

    #[test]
    fn a_key_has_one_place_or_several() {
        assert_eq!(key_of("\"@key/payload/id\""), r#"["@key/payload/id"]"#);
        let both = r#"{ first_of = ["/after/id", "/before/id"] }"#;
        assert_eq!(key_of(both), r#"["/after/id", "/before/id"]"#);
        let text = SMALLEST.replace("key = \"/id\"", "");
        let environment = [
            ("MILLPOND_TABLES__0__KEY__FIRST_OF__0", "/id"),
            ("MILLPOND_TABLES__0__KEY__FIRST_OF__1", "@key"),
        ];
        let config = load(&text, &environment, &[]).unwrap();
        assert_eq!(config.tables[0].key.as_slice().len(), 2);
    }

    #[test]
    fn a_key_of_another_shape_is_a_fault() {
        for (key, expected) in [
            ("{ first = [\"/id\"] }", "tables[0].key: found a section: not a list under first_of"),
            ("{ first_of = [] }", "tables[0].key: found a section: not a list under first_of"),
            ("{ first_of = \"/id\" }", "tables[0].key: found a section: not a list under first_of"),
            ("[\"/id\"]", "tables[0].key: found a list: not a list under first_of"),
            (
                "{ first_of = [\"/id\", \"id\"] }",
                "tables[0].key: found a section: \"id\": a JSON Pointer begins with a slash",
            ),
        ] {
            let text = SMALLEST.replace("key = \"/id\"", &format!("key = {key}"));
            assert_eq!(faults(&text, &[], &[]), [expected], "{key}");
        }
    }
}
