//! Writes an object or array back as JSON text: compact, its members in their order.
//!
//! Works along the tape with a list of what is open, so nesting costs heap and no
//! stack. Names given twice are both written; the last wins for whoever reads
//! them, as it did here. The text means what the document meant, though it need
//! not be spelt the same: escapes and doubles are written in their shortest form.

use std::fmt::Write;

use simd_json::{Node, StaticNode};

use super::tape::span;

/// The writer, with its text and list reused from value to value.
#[derive(Debug, Default)]
pub(super) struct JsonText {
    text: String,
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
    /// The JSON text of a value, given as its node and all that it contains.
    pub(super) fn of(&mut self, subtree: &[Node<'_>]) -> &str {
        self.text.clear();
        self.open.clear();
        for (at, node) in subtree.iter().enumerate() {
            self.close(at);
            self.separate();
            self.write(at, node);
        }
        self.close(subtree.len());
        &self.text
    }

    /// Scratch bytes held.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.text.capacity() + self.open.capacity() * size_of::<Open>()
    }

    /// Closes everything whose contents end before `at`.
    fn close(&mut self, at: usize) {
        while let Some(open) = self.open.pop_if(|open| open.end <= at) {
            self.text.push(open.closing);
        }
    }

    /// Sets the next item apart from the one before it.
    fn separate(&mut self) {
        let Some(open) = self.open.last_mut() else { return };
        match open.written {
            0 => {}
            written if open.object && written % 2 == 1 => self.text.push(':'),
            _ => self.text.push(','),
        }
        open.written += 1;
    }

    fn write(&mut self, at: usize, node: &Node<'_>) {
        let end = at + span(node);
        match node {
            Node::Object { .. } => {
                self.text.push('{');
                self.open.push(Open { end, closing: '}', object: true, written: 0 });
            }
            Node::Array { .. } => {
                self.text.push('[');
                self.open.push(Open { end, closing: ']', object: false, written: 0 });
            }
            Node::String(string) => write_string(&mut self.text, string),
            Node::Static(scalar) => write_scalar(&mut self.text, *scalar),
        }
    }
}

fn write_scalar(text: &mut String, scalar: StaticNode) {
    // Writing to a String cannot fail.
    let _ = match scalar {
        StaticNode::Null => text.write_str("null"),
        StaticNode::Bool(bool) => write!(text, "{bool}"),
        StaticNode::I64(int) => write!(text, "{int}"),
        StaticNode::U64(uint) => write!(text, "{uint}"),
        // The debug form keeps a double a double ("1.0") and has an exponent where that is shorter.
        StaticNode::F64(double) => write!(text, "{double:?}"),
    };
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    let mut rest = string;
    while let Some((plain, escaped, after)) = split_at_escape(rest) {
        text.push_str(plain);
        write_escape(text, escaped);
        rest = after;
    }
    text.push_str(rest);
    text.push('"');
}

/// Splits at the first character that JSON does not allow as it is.
fn split_at_escape(string: &str) -> Option<(&str, char, &str)> {
    let at = string.find(|c| matches!(c, '"' | '\\' | '\0'..='\x1f'))?;
    let (plain, rest) = string.split_at_checked(at)?;
    let mut rest = rest.chars();
    Some((plain, rest.next()?, rest.as_str()))
}

fn write_escape(text: &mut String, escaped: char) {
    let short = match escaped {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\x08' => "\\b",
        '\x0c' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\u{:04x}", u32::from(escaped));
            return;
        }
    };
    text.push_str(short);
}
