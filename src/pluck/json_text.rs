//! Writes an object or array back as JSON text: compact, its members in their order.
//!
//! Works along the tape with a list of what is open, so nesting costs heap and no
//! stack. Names given twice are both written; the last wins for whoever reads
//! them, as it did here. The text means what the document meant, though it need
//! not be spelt the same: escapes and doubles are written in their shortest form.

use std::fmt::{self, Write};

use simd_json::{Node, StaticNode};

use super::bounded::BoundedText;
use super::tape::span;

/// The writer, with its text and list reused from value to value.
#[derive(Debug, Default)]
pub(super) struct JsonText {
    text: BoundedText,
    open: Vec<Open>,
}

/// An object or array whose contents are being written.
#[derive(Debug)]
struct Open {
    end: usize,
    closing: char,
    object: bool,
    written: usize,
}

impl JsonText {
    /// What each level of nesting takes at worst: the list has doubled, and the old one is
    /// not yet gone.
    pub(super) const LEVEL_BYTES: usize = 3 * size_of::<Open>();

    /// The JSON text of a value, given as its node and all that it contains; none if there is
    /// not the room for it.
    pub(super) fn of(&mut self, subtree: &[Node<'_>], room_bytes: usize) -> Option<&str> {
        self.text.restart(room_bytes);
        self.open.clear();
        self.write_all(subtree).ok()?;
        Some(self.text.as_str())
    }

    /// Scratch bytes held.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.text.capacity() + self.open.capacity() * size_of::<Open>()
    }

    fn write_all(&mut self, subtree: &[Node<'_>]) -> fmt::Result {
        for (at, node) in subtree.iter().enumerate() {
            self.close(at)?;
            self.separate()?;
            self.write(at, node)?;
        }
        self.close(subtree.len())
    }

    /// Closes everything whose contents end before `at`.
    fn close(&mut self, at: usize) -> fmt::Result {
        while let Some(open) = self.open.pop_if(|open| open.end <= at) {
            self.text.write_char(open.closing)?;
        }
        Ok(())
    }

    /// Sets the next item apart from the one before it.
    fn separate(&mut self) -> fmt::Result {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        open.written += 1;
        match open.written - 1 {
            0 => Ok(()),
            written if open.object && written % 2 == 1 => self.text.write_char(':'),
            _ => self.text.write_char(','),
        }
    }

    fn write(&mut self, at: usize, node: &Node<'_>) -> fmt::Result {
        let end = at + span(node);
        match node {
            Node::Object { .. } => {
                self.open.push(Open { end, closing: '}', object: true, written: 0 });
                self.text.write_char('{')
            }
            Node::Array { .. } => {
                self.open.push(Open { end, closing: ']', object: false, written: 0 });
                self.text.write_char('[')
            }
            Node::String(string) => write_string(&mut self.text, string),
            Node::Static(scalar) => write_scalar(&mut self.text, *scalar),
        }
    }
}

fn write_scalar(text: &mut BoundedText, scalar: StaticNode) -> fmt::Result {
    match scalar {
        StaticNode::Null => text.write_str("null"),
        StaticNode::Bool(bool) => write!(text, "{bool}"),
        StaticNode::I64(int) => write!(text, "{int}"),
        StaticNode::U64(uint) => write!(text, "{uint}"),
        // The debug form keeps a double a double ("1.0") and has an exponent where that is shorter.
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

/// Splits at the first character that JSON does not allow as it is.
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
