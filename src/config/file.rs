//! The file layer: parses a TOML file into a tree, each value with its line.
//!
//! Does not know which keys exist. Its only faults are a file that cannot be read and text
//! that is not TOML. The parser's message is shown without the line that it quotes, because
//! that line may hold a secret.

use std::path::Path;
use std::{fs, io};

use toml::de::{DeInteger, DeTable, DeValue};

use super::fault::{Fault, Place};
use super::tree::{Content, Entries, Kind, Node};

/// The path that stands for standard input.
const STDIN: &str = "-";

/// Reads the file and parses it.
pub(super) fn read(path: &Path) -> Result<Node, Fault> {
    let is_stdin = path == Path::new(STDIN);
    let file = if is_stdin { "standard input".into() } else { path.display().to_string() };
    let text = if is_stdin { io::read_to_string(io::stdin()) } else { fs::read_to_string(path) };
    match text {
        Ok(text) => parse(&file, &text),
        Err(error) => Err(Fault {
            key: String::new(),
            place: Place::Nowhere,
            wrong: format!("cannot read the configuration file {file}: {error}"),
            cure: "name a TOML file that this user may read".into(),
        }),
    }
}

pub(super) fn parse(file: &str, text: &str) -> Result<Node, Fault> {
    let lines = Lines::of(file, text);
    match DeTable::parse(text) {
        Ok(document) => {
            let content = Content::Section(lines.entries(document.into_inner()));
            let mut root = Node { place: Place::Nowhere, content };
            root.flatten_dotted();
            Ok(root)
        }
        Err(error) => Err(Fault {
            key: String::new(),
            place: lines.place(error.span().map_or(0, |span| span.start)),
            wrong: format!("not TOML: {}", error.message()),
            cure: "correct this first: the rest of the file cannot be read before".into(),
        }),
    }
}

/// Turns byte offsets into lines.
struct Lines<'f> {
    file: &'f str,
    /// The end of each line, in bytes.
    ends: Vec<usize>,
}

impl<'f> Lines<'f> {
    fn of(file: &'f str, text: &str) -> Self {
        Self { file, ends: text.match_indices('\n').map(|(end, _)| end).collect() }
    }

    fn place(&self, offset: usize) -> Place {
        let line = 1 + self.ends.partition_point(|end| *end < offset);
        Place::File { file: self.file.into(), line }
    }

    fn entries(&self, table: DeTable<'_>) -> Entries {
        let node = |(name, value): (toml::Spanned<DeName<'_>>, toml::Spanned<DeValue<'_>>)| {
            let place = self.place(name.span().start);
            (name.into_inner().into_owned(), self.node(place, value.into_inner()))
        };
        table.into_iter().map(node).collect()
    }

    fn node(&self, place: Place, value: DeValue<'_>) -> Node {
        let content = match value {
            DeValue::Table(table) => Content::Section(self.entries(table)),
            DeValue::Array(items) => {
                let node = |item: toml::Spanned<DeValue<'_>>| {
                    self.node(self.place(item.span().start), item.into_inner())
                };
                Content::List(items.into_iter().map(node).enumerate().collect())
            }
            DeValue::String(text) => Content::Value(text.into_owned(), Kind::Text),
            DeValue::Integer(number) => Content::Value(decimal(&number), Kind::Whole),
            DeValue::Boolean(truth) => Content::Value(truth.to_string(), Kind::Truth),
            DeValue::Float(number) => Content::Value(number.to_string(), Kind::Other),
            DeValue::Datetime(date) => Content::Value(date.to_string(), Kind::Other),
        };
        Node { place, content }
    }
}

/// The text of a key in TOML's tree.
type DeName<'i> = std::borrow::Cow<'i, str>;

/// TOML has whole numbers in four bases; the schema reads decimal ones.
fn decimal(number: &DeInteger<'_>) -> String {
    i64::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_| number.to_string(), |number| number.to_string())
}
