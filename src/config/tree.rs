//! A configuration before it is interpreted: a tree of keys and texts, each with its place.
//!
//! The file, the environment and flags are written into one tree; a later layer overwrites an
//! earlier one. The tree does not know which keys exist. It has one special case: names of
//! librdkafka's settings and of attributes contain dots, so below `kafka.properties`, `kafka.secrets`
//! and `otlp.attributes` a whole path is one name.
//! Some of the texts are secrets, so no type here that holds texts implements `Debug`.

use std::collections::BTreeMap;

use super::fault::{Fault, Place};

/// A value, or a section or list of nodes.
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// Kept as text until the schema says which type it has.
    Value(String, Kind),
    Section(Entries),
    /// By index, so that a later layer can write the items in any order.
    List(BTreeMap<usize, Node>),
}

impl Content {
    /// The content of the only key of a section, if that has this name.
    pub(super) fn only(&self, name: &str) -> Option<&Self> {
        let Self::Section(entries) = self else { return None };
        let node = entries.get(name).filter(|_| entries.len() == 1);
        node.map(|node| &node.content)
    }

    /// The text of a value that is a text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Value(text, Kind::Text | Kind::Untyped) => Some(text),
            Self::Value(..) | Self::Section(_) | Self::List(_) => None,
        }
    }

    /// The items of a list, if they are all values and none is left out.
    pub(super) fn values(&self) -> Option<Vec<(&str, Kind)>> {
        let Self::List(items) = self else { return None };
        let values =
            items.iter().enumerate().map(|(expected, (index, node))| match &node.content {
                Self::Value(text, kind) if expected == *index => Some((text.as_str(), *kind)),
                Self::Value(..) | Self::Section(_) | Self::List(_) => None,
            });
        values.collect()
    }
}

pub(super) type Entries = BTreeMap<String, Node>;

/// The type that a value was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    Truth,
    /// A fraction or a date.
    Other,
    /// No type: from the environment or a flag, where everything is text.
    Untyped,
}

/// A value for one key, from the environment or a flag.
pub(super) struct Change {
    pub(super) path: Vec<String>,
    pub(super) text: String,
    pub(super) place: Place,
}

/// The sections of librdkafka's settings and of attributes, whose names have dots.
pub(super) const DOTTED: [[&str; 2]; 3] =
    [["kafka", "properties"], ["kafka", "secrets"], ["otlp", "attributes"]];
/// The longest path of a key, such as `tables.0.only_when./kind.one_of.0`.
const MAX_DEPTH: usize = 6;

impl Node {
    pub(super) fn section(place: Place) -> Self {
        Self { place, content: Content::Section(Entries::new()) }
    }

    /// Writes a value at its path, if a value can be there.
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

    /// The node at a path; creates it and its parents if they do not exist.
    fn at(&mut self, path: &[String], place: &Place) -> Result<&mut Self, &'static str> {
        if path.len() > MAX_DEPTH {
            return Err("there is no such key: it has too many parts");
        }
        let mut node = self;
        for (depth, name) in path.iter().enumerate() {
            node = node.child(name, || Self::parent_of(path.get(depth + 1), place))?;
        }
        Ok(node)
    }

    /// An empty node that can hold `next`: a list if `next` is a number, else a section.
    fn parent_of(next: Option<&String>, place: &Place) -> Self {
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

    /// Turns nested sections of librdkafka's settings and of attributes into dotted names.
    pub(super) fn flatten_dotted(&mut self) {
        for [section, settings] in DOTTED {
            let node = self.entry(section).and_then(|node| node.entry(settings));
            if let Some(found) = node.and_then(Self::as_section) {
                let nested = std::mem::take(found);
                flatten("", nested, found);
            }
        }
    }

    fn entry(&mut self, name: &str) -> Option<&mut Self> {
        self.as_section()?.get_mut(name)
    }

    fn as_section(&mut self) -> Option<&mut Entries> {
        match &mut self.content {
            Content::Section(entries) => Some(entries),
            Content::List(_) | Content::Value(..) => None,
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
