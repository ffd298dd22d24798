//! Reads one section of the tree, key by key, and continues after a fault.
//!
//! The code for a section asks for all of its keys before it builds its value, so that all
//! faults are found in one pass. Keys that it did not ask for do not exist: they are faults,
//! which are reported at the end of the section.

use std::collections::BTreeMap;

use super::fault::Place;
use super::form::Form;
use super::report::{Chapter, Description, Report};
use super::tree::{Content, Entries, Kind, Node};
use super::unknown_key::{nearest, renamed};

/// A section while it is read.
pub(super) struct Section<'r> {
    /// The path, such as `tables[0]`; empty for the root.
    path: String,
    place: Place,
    entries: Entries,
    known: Vec<&'static str>,
    pub(super) report: &'r mut Report,
}

/// The value of a key that is not written.
pub(super) enum Unset<T> {
    /// None: the key is required.
    Fault,
    /// The value of this text.
    Means(&'static str),
    /// A value that is computed; its description, and the function.
    Derived(&'static str, fn() -> T),
}

/// Checks a name that the user chooses: what is wrong with it and what to write instead, if
/// anything is wrong.
pub(super) type NameFault = fn(&str) -> Option<(String, String)>;

/// Reads a whole tree.
pub(super) fn read<T>(
    tree: Node,
    report: &mut Report,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Option<T> {
    Section::enter(String::new(), tree, report, read)
}

impl Section<'_> {
    /// Reads a key of this section.
    pub(super) fn key<F: Form>(
        &mut self,
        name: &'static str,
        form: &F,
        unset: Unset<F::Value>,
        about: &'static str,
    ) -> Option<F::Value> {
        self.describe(name, form.wanted(), &unset, about);
        let path = self.path_of(name);
        match (self.take(name), unset) {
            (Some(node), _) => self.parse(&path, node.content, form),
            (None, Unset::Means(text)) => {
                self.parse(&path, Content::Value(text.into(), Kind::Untyped), form)
            }
            (None, Unset::Derived(_, derive)) => Some(derive()),
            (None, Unset::Fault) => {
                self.missing(&path, &format!("write {}", form.wanted()));
                None
            }
        }
    }

    /// Reads a key that holds a section of names that the user chooses, sorted by name. With
    /// [`Unset::Fault`] there must be at least one.
    pub(super) fn names<F: Form>(
        &mut self,
        name: &'static str,
        name_fault: NameFault,
        form: &F,
        unset: &Unset<()>,
        about: &'static str,
    ) -> Option<BTreeMap<String, F::Value>> {
        let wanted = format!("NAME = VALUE, each value {}", form.wanted());
        self.describe(name, wanted.clone(), unset, about);
        let path = self.path_of(name);
        let entries = self.chosen_names(name, &path, &wanted, unset)?;
        let read = entries.into_iter().map(|(name, node)| {
            let path = join(&path, &name);
            self.report.places.insert(path.clone(), node.place);
            if let Some((wrong, cure)) = name_fault(&name) {
                self.report.fault(&path, wrong, cure);
                return None;
            }
            Some((name, self.parse(&path, node.content, form)?))
        });
        // Collected first, so that one fault does not hide the next.
        read.collect::<Vec<_>>().into_iter().collect()
    }

    fn chosen_names(
        &mut self,
        name: &'static str,
        path: &str,
        wanted: &str,
        unset: &Unset<()>,
    ) -> Option<Entries> {
        let entries = match self.take(name).map(|node| node.content) {
            Some(Content::Section(entries)) => entries,
            Some(_) => {
                self.report.fault(path, "this is not a section", format!("write {wanted}"));
                return None;
            }
            None => Entries::new(),
        };
        if entries.is_empty() && matches!(unset, Unset::Fault) {
            self.missing(path, &format!("write at least one {wanted}"));
        }
        Some(entries)
    }

    /// Reads a section of this section; a missing one is empty.
    pub(super) fn section<T>(
        &mut self,
        name: &'static str,
        about: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<T> {
        let path = self.path_of(name);
        self.begin_chapter(format!("[{path}]"), about);
        let node = self.take(name).unwrap_or_else(|| Node::section(Place::Nowhere));
        Section::enter(path, node, self.report, read)
    }

    /// Reads a section that may be absent. Its keys are described in any case.
    #[expect(clippy::option_option, reason = "None is a fault, as for every value here")]
    pub(super) fn optional_section<T>(
        &mut self,
        name: &'static str,
        about: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        let path = self.path_of(name);
        if let Some(node) = self.take(name) {
            self.begin_chapter(format!("[{path}]"), about);
            return Section::enter(path, node, self.report, read).map(Some);
        }
        self.describe_absent(format!("[{path}]"), about, read);
        Some(None)
    }

    /// Reads a list of sections that may be absent, and is not empty if it is there. Its keys are
    /// described in any case.
    pub(super) fn optional_list<T>(
        &mut self,
        name: &'static str,
        about: &'static str,
        read: impl Fn(&mut Section<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        if self.entries.contains_key(name) {
            return self.list(name, about, |section, _| read(section));
        }
        self.known.push(name);
        self.describe_absent(format!("[[{}]]", self.path_of(name)), about, read);
        Some(Vec::new())
    }

    /// Describes the keys of a section that is not there. The faults of an empty one are nobody's.
    fn describe_absent<T>(
        &mut self,
        heading: String,
        about: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) {
        let mut described = Report::default();
        described.chapters.push(Chapter { heading, about, keys: Vec::new() });
        Section::enter(String::new(), Node::section(Place::Nowhere), &mut described, read);
        self.report.chapters.append(&mut described.chapters);
    }

    /// Reads a list of sections, which must not be empty. `read` gets their number, too.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        about: &'static str,
        read: impl Fn(&mut Section<'_>, usize) -> Option<T>,
    ) -> Option<Vec<T>> {
        let path = self.path_of(name);
        self.begin_chapter(format!("[[{path}]]"), about);
        let items = self.items(name, &path)?;
        let count = items.len();
        let read = items.into_iter().map(|(index, node)| {
            let path = format!("{path}[{index}]");
            self.report.places.insert(path.clone(), node.place.clone());
            Section::enter(path, node, self.report, |section| read(section, count))
        });
        read.collect::<Vec<_>>().into_iter().collect()
    }

    fn items(&mut self, name: &'static str, path: &str) -> Option<BTreeMap<usize, Node>> {
        let node = self.take(name);
        let items = match node.map(|node| node.content) {
            Some(Content::List(items)) => items,
            Some(_) => {
                let cure = format!("begin each item with [[{path}]]");
                self.report.fault(path, "this is not a list", cure);
                return None;
            }
            None => BTreeMap::new(),
        };
        if items.is_empty() {
            self.missing(path, &format!("write at least one [[{path}]]"));
        }
        let gap = items.keys().enumerate().find(|(expected, index)| expected != *index);
        if let Some((expected, index)) = gap {
            let (path, wrong) = (format!("{path}[{expected}]"), format!("missing before {index}"));
            self.report.fault(&path, wrong, "number them from 0 and leave none out");
        }
        Some(items)
    }

    /// The path of a key of this section, as in faults.
    pub(super) fn path_of(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// Reports a missing key, at the place of the section that lacks it.
    pub(super) fn missing(&mut self, path: &str, cure: &str) {
        self.report.places.entry(path.into()).or_insert_with(|| self.place.clone());
        self.report.fault(path, "missing", cure);
    }
}

impl<'r> Section<'r> {
    fn enter<T>(
        path: String,
        node: Node,
        report: &'r mut Report,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<T> {
        let Content::Section(entries) = node.content else {
            let cure = format!("write [{path}] and its keys below it");
            report.fault(&path, "this is not a section", cure);
            return None;
        };
        let mut section = Section { path, place: node.place, entries, known: Vec::new(), report };
        let value = read(&mut section);
        section.report_unknown_keys();
        value
    }

    fn take(&mut self, name: &'static str) -> Option<Node> {
        self.known.push(name);
        let node = self.entries.remove(name)?;
        self.report.places.insert(self.path_of(name), node.place.clone());
        Some(node)
    }

    fn parse<F: Form>(&mut self, path: &str, content: Content, form: &F) -> Option<F::Value> {
        let (found, why) = match content {
            Content::Value(text, kind) if form.accepts(kind) => match form.parse_as(kind, &text) {
                Ok(value) => return Some(value),
                Err(why) => (form.show(&text), why),
            },
            Content::Value(text, kind) => (form.show(&text), misfit(form, kind).into()),
            structure => match form.parse_structure(&structure) {
                Ok(value) => return Some(value),
                Err(why) => (shape_of(&structure).into(), why),
            },
        };
        let cure = format!("write {}", form.wanted());
        self.report.fault(path, format!("found {found}: {why}"), cure);
        None
    }

    fn report_unknown_keys(self) {
        for (name, node) in self.entries {
            let path = join(&self.path, &name);
            self.report.places.insert(path.clone(), node.place);
            let (wrong, cure) = match (renamed(&path), nearest(&name, &self.known)) {
                (Some(new), _) => ("renamed", format!("write {new}")),
                (None, Some(known)) => {
                    let known = join(&self.path, known);
                    ("there is no such key", format!("write {known}, if that was meant"))
                }
                (None, None) => {
                    ("there is no such key", format!("there are: {}", self.known.join(", ")))
                }
            };
            self.report.fault(&path, wrong, cure);
        }
    }

    fn begin_chapter(&mut self, heading: String, about: &'static str) {
        self.report.chapters.push(Chapter { heading, about, keys: Vec::new() });
    }

    fn describe<T>(
        &mut self,
        name: &'static str,
        wanted: String,
        unset: &Unset<T>,
        about: &'static str,
    ) {
        let default = match unset {
            Unset::Fault => None,
            Unset::Means(text) => Some(format!("`{text}`")),
            Unset::Derived(words, _) => Some((*words).into()),
        };
        self.report.describe(Description { name, wanted, default, about });
    }
}

fn shape_of(content: &Content) -> &'static str {
    match content {
        Content::Section(_) => "a section",
        Content::List(_) => "a list",
        Content::Value(..) => "a value",
    }
}

/// Why a value of this kind is refused, whatever its text is.
fn misfit(form: &impl Form, kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a number goes without quotes",
        _ if form.accepts(Kind::Text) => "this goes in quotes",
        _ => "not a whole number",
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}
