//! The packed form of an entry's fields: their values one after the other, without names.
//!
//! Values are in the order of the table's fields; the table knows the names. Each value is a
//! tag of one byte and then its own bytes:
//!
//! | tag | value | bytes after the tag |
//! |---|---|---|
//! | 0 | absent from the message | none |
//! | 1 | null | none |
//! | 2, 3 | false, true | none |
//! | 4 | signed integer | 8, little-endian |
//! | 5 | unsigned integer | 8, little-endian |
//! | 6 | double | 8, little-endian |
//! | 7 | text | its length as a [`varint`], then UTF-8 |
//! | 8 | JSON text of an object or array | the same |
//! | 9 | JSON text of any other number | the same |

use std::fmt;

use super::varint;

/// The value of a field, borrowed from its entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// JSON null.
    Null,
    /// JSON true or false.
    Bool(bool),
    /// An integer that fits into 64 bits with a sign.
    Int(i64),
    /// An integer over `i64::MAX` that fits into 64 bits without a sign.
    Uint(u64),
    /// A number that this double shows as it was sent.
    Double(f64),
    /// A string, escapes resolved.
    Text(&'a str),
    /// An object or array, as JSON text.
    Json(&'a str),
    /// Any other number, as it was written: an integer of more than 64 bits, or more digits or a
    /// larger exponent than a double has.
    NumberText(&'a str),
}

const ABSENT: u8 = 0;
const NULL: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const INT: u8 = 4;
const UINT: u8 = 5;
const DOUBLE: u8 = 6;
const TEXT: u8 = 7;
const JSON: u8 = 8;
const NUMBER_TEXT: u8 = 9;

/// The packed fields of one entry, borrowed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// No fields at all.
    pub(crate) const NONE: Fields<'static> = Fields(&[]);

    /// Fields from the bytes that [`Self::packed`] gave.
    pub(crate) fn of_packed(packed: &'a [u8]) -> Self {
        Self(packed)
    }

    /// The packed bytes.
    pub(crate) fn packed(self) -> &'a [u8] {
        self.0
    }

    /// How many bytes they take, packed.
    pub fn packed_bytes(self) -> usize {
        self.0.len()
    }

    /// Their values, in the order of the table's fields; `None` for one that the message lacked.
    pub fn values(self) -> Values<'a> {
        Values { rest: self.0 }
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values()).finish()
    }
}

/// Packs the fields of one entry; its allocation is reused for the next.
#[derive(Debug, Default)]
pub struct FieldsBuffer(Vec<u8>);

impl FieldsBuffer {
    /// The most bytes of a packed value beside those of its text: the tag, and eight of a number or
    /// at most ten that tell a length.
    pub const MAX_OVERHEAD_BYTES: usize = 11;

    /// Empties it for the next record.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The fields packed so far.
    pub fn fields(&self) -> Fields<'_> {
        Fields(&self.0)
    }

    /// The bytes that are allocated.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Packs the value of the next field; `None` for a field that the message lacks.
    pub fn push(&mut self, value: Option<Value<'_>>) {
        match value {
            None => self.0.push(ABSENT),
            Some(Value::Null) => self.0.push(NULL),
            Some(Value::Bool(false)) => self.0.push(FALSE),
            Some(Value::Bool(true)) => self.0.push(TRUE),
            Some(Value::Int(int)) => self.push_fixed(INT, int.to_le_bytes()),
            Some(Value::Uint(uint)) => self.push_fixed(UINT, uint.to_le_bytes()),
            Some(Value::Double(double)) => self.push_fixed(DOUBLE, double.to_le_bytes()),
            Some(Value::Text(text)) => self.push_text(TEXT, text),
            Some(Value::Json(json)) => self.push_text(JSON, json),
            Some(Value::NumberText(number)) => self.push_text(NUMBER_TEXT, number),
        }
    }

    /// Packs text that is written in pieces, as the value of the next field.
    ///
    /// # Errors
    ///
    /// If the text has more than `max_bytes`, or `write` fails. No value is packed then.
    pub fn push_written(
        &mut self,
        kind: TextKind,
        max_bytes: usize,
        write: impl FnOnce(&mut TextWriter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let start = self.0.len();
        self.0.push(match kind {
            TextKind::Text => TEXT,
            TextKind::Json => JSON,
        });
        let text_start = self.0.len();
        let end = text_start.saturating_add(max_bytes);
        if let Err(error) = write(&mut TextWriter { packed: &mut self.0, end }) {
            self.0.truncate(start);
            return Err(error);
        }
        // The length stands before the text, and is known only now.
        let text_end = self.0.len();
        varint::push(&mut self.0, (text_end - text_start) as u64);
        let length_bytes = self.0.len() - text_end;
        self.0.get_mut(text_start..).unwrap_or_default().rotate_right(length_bytes);
        Ok(())
    }

    /// Makes room for values of so many bytes in all, packed.
    pub fn reserve(&mut self, bytes: usize) {
        self.0.reserve_exact(bytes.saturating_sub(self.0.len()));
    }

    fn push_fixed(&mut self, tag: u8, bytes: [u8; 8]) {
        self.0.push(tag);
        self.0.extend_from_slice(&bytes);
    }

    fn push_text(&mut self, tag: u8, text: &str) {
        self.0.push(tag);
        varint::push(&mut self.0, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }
}

/// The kinds of text that are written in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// As [`Value::Text`].
    Text,
    /// As [`Value::Json`].
    Json,
}

/// Text that is being packed. Writing fails if the text gets longer than it may be, and for no other
/// reason.
#[derive(Debug)]
pub struct TextWriter<'b> {
    packed: &'b mut Vec<u8>,
    /// The length of `packed` that must not be exceeded.
    end: usize,
}

impl fmt::Write for TextWriter<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.packed.len() + piece.len() > self.end {
            return Err(fmt::Error);
        }
        self.packed.extend_from_slice(piece.as_bytes());
        Ok(())
    }
}

/// Iterates over the values of an entry, in the order of the table's fields.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    rest: &'a [u8],
}

impl<'a> Values<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    fn take_text(&mut self) -> Option<&'a str> {
        let len = usize::try_from(varint::take(&mut self.rest)?).ok()?;
        let (text, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Option<Value<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let [tag] = self.take()?;
        Some(match tag {
            NULL => Some(Value::Null),
            FALSE => Some(Value::Bool(false)),
            TRUE => Some(Value::Bool(true)),
            INT => Some(Value::Int(i64::from_le_bytes(self.take()?))),
            UINT => Some(Value::Uint(u64::from_le_bytes(self.take()?))),
            DOUBLE => Some(Value::Double(f64::from_le_bytes(self.take()?))),
            TEXT => Some(Value::Text(self.take_text()?)),
            JSON => Some(Value::Json(self.take_text()?)),
            NUMBER_TEXT => Some(Value::NumberText(self.take_text()?)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_fields_give_back_their_values() {
        let long = "x".repeat(70_000);
        let values = [
            None,
            Some(Value::Null),
            Some(Value::Bool(true)),
            Some(Value::Bool(false)),
            Some(Value::Int(i64::MIN)),
            Some(Value::Uint(u64::MAX)),
            Some(Value::Double(-0.5)),
            Some(Value::Text("")),
            Some(Value::Text("snow \u{2603} and \0")),
            Some(Value::Text(&long)),
            Some(Value::Json("[1]")),
            Some(Value::NumberText("1e999")),
        ];
        let mut fields = FieldsBuffer::default();
        for value in values {
            fields.push(value);
        }
        assert_eq!(fields.fields().values().collect::<Vec<_>>(), values);
    }

    #[test]
    fn text_that_is_written_in_pieces_is_packed_as_text_at_once() {
        for pieces in [&["", ""][..], &["a", "\u{e9}", "b"], &[&"x".repeat(100), "y"]] {
            let whole = pieces.concat();
            let (mut at_once, mut in_pieces) = (FieldsBuffer::default(), FieldsBuffer::default());
            at_once.push(Some(Value::Bool(true)));
            at_once.push(Some(Value::Text(&whole)));
            at_once.push(Some(Value::Json(&whole)));
            in_pieces.push(Some(Value::Bool(true)));
            for kind in [TextKind::Text, TextKind::Json] {
                let write = |text: &mut TextWriter<'_>| {
                    pieces.iter().try_for_each(|piece| fmt::Write::write_str(text, piece))
                };
                in_pieces.push_written(kind, whole.len(), write).unwrap();
            }
            assert_eq!(in_pieces.fields(), at_once.fields());
            assert_eq!(in_pieces.fields().packed_bytes(), at_once.fields().packed_bytes());
        }
    }

    #[test]
    fn text_that_gets_too_long_is_not_packed() {
        let mut fields = FieldsBuffer::default();
        fields.push(Some(Value::Int(1)));
        let write = |text: &mut TextWriter<'_>| {
            fmt::Write::write_str(text, "four").and_then(|()| fmt::Write::write_str(text, "5"))
        };
        assert!(fields.push_written(TextKind::Text, 4, write).is_err());
        assert_eq!(fields.fields().values().collect::<Vec<_>>(), [Some(Value::Int(1))]);
        assert!(fields.push_written(TextKind::Text, 5, write).is_ok());
    }
}
