//! A configuration before it is understood: keys, texts, and who wrote them.
//!
//! Files, the environment and flags all end up in one tree, the later writing over
//! the earlier. The tree knows no schema but one oddity: the settings of librdkafka
//! have dots in their names, so beneath `kafka.properties` a path is one name. Some
//! of the texts are secrets, so nothing here has a debug form.

use std::collections::BTreeMap;

use super::fault::{Fault, Place};

/// A value, or what holds values.
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// Every value is kept as text until it is known what it should be.
    Value(String, Kind),
    Section(Entries),
    /// By index, so that a later layer can write in any order.
    List(BTreeMap<usize, Node>),
}

pub(super) type Entries = BTreeMap<String, Node>;

/// What the writer of a value took it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    Truth,
    /// A fraction or a date: nothing in the schema is one.
    Other,
    /// From the environment or a flag, where everything is text.
    Untyped,
}

/// A value for one key, from outside the file.
pub(super) struct Change {
    pub(super) path: Vec<String>,
    pub(super) text: String,
    pub(super) place: Place,
}

/// Where the names are librdkafka's.
pub(super) const PROPERTIES: [&str; 2] = ["kafka", "properties"];
/// No key lies deeper, as in `tables.0.fields.name`.
const DEEPEST: usize = 4;

impl Node {
    pub(super) fn section(place: Place) -> Self {
        Self { place, content: Content::Section(Entries::new()) }
    }

    /// Writes a value at its path, if there can be one.
    pub(super) fn apply(&mut self, change: Change) -> Result<(), Fault> {
        let Change { path, text, place } = change;
        match self.at(&path, &place) {
            Ok(node) => {
                *node = Self { place, content: Content::Value(text, Kind::Untyped) };
                Ok(())
            }
            Err(wrong) => Err(Fault {
                key: path.join("."),
                place,
                wrong: wrong.into(),
                cure: "see docs/CONFIGURATION.md for the keys there are".into(),
            }),
        }
    }

    /// The node at a path, made with all that leads there if it is new.
    fn at(&mut self, path: &[String], place: &Place) -> Result<&mut Self, &'static str> {
        if path.len() > DEEPEST {
            return Err("there is no such key: it has too many parts");
        }
        let mut node = self;
        for (depth, name) in path.iter().enumerate() {
            node = node.child(name, || Self::holder(path.get(depth + 1), place))?;
        }
        Ok(node)
    }

    /// What can hold `next`: a list if it is a number, or else a section.
    fn holder(next: Option<&String>, place: &Place) -> Self {
        match next.map(|name| name.parse::<usize>()) {
            Some(Ok(_)) => Self { place: place.clone(), content: Content::List(BTreeMap::new()) },
            _ => Self::section(place.clone()),
        }
    }

    fn child(&mut self, name: &str, new: impl FnOnce() -> Self) -> Result<&mut Self, &'static str> {
        match &mut self.content {
            Content::Section(entries) => Ok(entries.entry(name.to_owned()).or_insert_with(new)),
            Content::List(items) => match name.parse() {
                Ok(index) => Ok(items.entry(index).or_insert_with(new)),
                Err(_) => Err("this is a list, and its items go by number"),
            },
            Content::Value(..) => Err("this is a value and holds no keys"),
        }
    }

    /// Gives the settings of librdkafka their dotted names, however a file nests them.
    pub(super) fn flatten_properties(&mut self) {
        let [kafka, properties] = PROPERTIES;
        if let Content::Section(root) = &mut self.content
            && let Some(Content::Section(kafka)) = root.get_mut(kafka).map(|node| &mut node.content)
            && let Some(Content::Section(found)) =
                kafka.get_mut(properties).map(|node| &mut node.content)
        {
            let nested = std::mem::take(found);
            flatten("", nested, found);
        }
    }
}

fn flatten(prefix: &str, nested: Entries, flat: &mut Entries) {
    for (name, node) in nested {
        let name = format!("{prefix}{name}");
        match node.content {
            Content::Section(inner) => flatten(&format!("{name}."), inner, flat),
            content => {
                flat.insert(name, Node { place: node.place, content });
            }
        }
    }
}
