//! Writes an object or array back as JSON text: compact, its members in their order.
//!
//! Goes through the nodes once with a list of the open containers, so nesting costs heap and
//! no stack. A name that is given twice is written twice. Numbers are written as the document
//! spells them, and escapes in their shortest form, so a text is never longer than its source.

use std::fmt::{self, Write};

use simd_json::{Node, StaticNode};

use super::bounded_text::BoundedText;
use super::container::Container;
use super::nodes::span;

/// The writer. Its text and its list are reused for the next value.
#[derive(Debug, Default)]
pub(crate) struct JsonText {
    text: BoundedText,
    open: Vec<Open>,
}

/// An object or array whose contents are being written.
#[derive(Debug)]
struct Open {
    /// The position after its last node.
    end: usize,
    closing: char,
    is_object: bool,
    /// Items so far: elements, or names and values.
    written: usize,
}

impl JsonText {
    /// Bytes for each level of nesting at worst: the list has doubled, and the one before it
    /// is not freed yet.
    pub(super) const LEVEL_BYTES: usize = 3 * size_of::<Open>();

    /// Writes a value; `None` if its text has more than `max_bytes`.
    pub(crate) fn write(&mut self, value: Container<'_>, max_bytes: usize) -> Option<&str> {
        self.text.restart(max_bytes);
        self.open.clear();
        self.write_nodes(value).ok()?;
        Some(self.text.as_str())
    }

    /// Scratch bytes held.
    pub(crate) fn scratch_bytes(&self) -> usize {
        self.text.capacity() + self.open.capacity() * size_of::<Open>()
    }

    fn write_nodes(&mut self, value: Container<'_>) -> fmt::Result {
        let nodes = value.nodes().as_slice();
        let mut tokens = value.tokens();
        for (at, node) in nodes.iter().enumerate() {
            let token = tokens.as_mut().and_then(Iterator::next);
            self.close_until(at)?;
            self.separate()?;
            self.write_node(at, node, token)?;
        }
        self.close_until(nodes.len())
    }

    /// Closes the containers whose contents end before `at`.
    fn close_until(&mut self, at: usize) -> fmt::Result {
        while let Some(open) = self.open.pop_if(|open| open.end <= at) {
            self.text.write_char(open.closing)?;
        }
        Ok(())
    }

    /// Separates the next item from the one before it.
    fn separate(&mut self) -> fmt::Result {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let written = open.written;
        open.written += 1;
        match written {
            0 => Ok(()),
            _ if open.is_object && written % 2 == 1 => self.text.write_char(':'),
            _ => self.text.write_char(','),
        }
    }

    /// Writes one node. `token` is the text that it was parsed from, if that is known.
    fn write_node(&mut self, at: usize, node: &Node<'_>, token: Option<&[u8]>) -> fmt::Result {
        let end = at + span(node);
        match node {
            Node::Object { .. } => {
                self.open.push(Open { end, closing: '}', is_object: true, written: 0 });
                self.text.write_char('{')
            }
            Node::Array { .. } => {
                self.open.push(Open { end, closing: ']', is_object: false, written: 0 });
                self.text.write_char('[')
            }
            Node::String(string) => write_string(&mut self.text, string),
            Node::Static(scalar) => {
                write_scalar(&mut self.text, *scalar, token.and_then(|it| str::from_utf8(it).ok()))
            }
        }
    }
}

fn write_scalar(text: &mut BoundedText, scalar: StaticNode, token: Option<&str>) -> fmt::Result {
    if let Some(token) = token {
        return text.write_str(token);
    }
    match scalar {
        StaticNode::Null => text.write_str("null"),
        StaticNode::Bool(bool) => write!(text, "{bool}"),
        StaticNode::I64(int) => write!(text, "{int}"),
        StaticNode::U64(uint) => write!(text, "{uint}"),
        // Not reached: a container with a double has tokens.
        StaticNode::F64(double) => write!(text, "{double:?}"),
    }
}

fn write_string(text: &mut BoundedText, string: &str) -> fmt::Result {
    text.write_char('"')?;
    let mut rest = string;
    while let Some((plain, escaped, after)) = split_at_escape(rest) {
        text.write_str(plain)?;
        write_escape(text, escaped)?;
        rest = after;
    }
    text.write_str(rest)?;
    text.write_char('"')
}

/// Splits at the first character that JSON allows only escaped.
fn split_at_escape(string: &str) -> Option<(&str, char, &str)> {
    let at = string.find(|c| matches!(c, '"' | '\\' | '\0'..='\x1f'))?;
    let (plain, rest) = string.split_at_checked(at)?;
    let mut rest = rest.chars();
    Some((plain, rest.next()?, rest.as_str()))
}

fn write_escape(text: &mut BoundedText, escaped: char) -> fmt::Result {
    text.write_str(match escaped {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\x08' => "\\b",
        '\x0c' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => return write!(text, "\\u{:04x}", u32::from(escaped)),
    })
}
