//! How an entry is laid out: one allocation, a fixed header and the packed fields.
//!
//! Values stand in the order of the table's fields and carry no names, since the
//! table knows them. Each is one tag byte and its bytes:
//!
//! | tag | value | bytes after the tag |
//! |---|---|---|
//! | 0 | absent from the message | none |
//! | 1 | null | none |
//! | 2, 3 | false, true | none |
//! | 4 | signed integer | 8, little-endian |
//! | 5 | unsigned integer | 8, little-endian |
//! | 6 | double | 8, little-endian |
//! | 7 | text | length as 4, little-endian, then UTF-8 |
//! | 8 | JSON text of an object or array | length as 4, little-endian, then UTF-8 |

use std::fmt;

use triomphe::{Arc, ThinArc};

use super::Timestamp;

/// Where in the stream a record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The partition of the table's topic.
    pub partition: i32,
    /// The record's offset in the partition.
    pub offset: i64,
    /// The record's own timestamp, as the stream gave it.
    pub time: Timestamp,
}

/// The origin's parts stand apart, so that the count takes no room of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Header {
    partition: i32,
    replaced_count: u32,
    offset: i64,
    time: Timestamp,
    expires_at: Timestamp,
}

/// What a table keeps under a key. Cloning shares the one allocation.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry(ThinArc<Header, u8>);

impl Entry {
    /// Copies `fields` into one allocation of exactly the size needed.
    pub fn copy_of(origin: Origin, expires_at: Timestamp, fields: &FieldsBuffer) -> Self {
        let Origin { partition, offset, time } = origin;
        let header = Header { partition, replaced_count: 0, offset, time, expires_at };
        Self(ThinArc::from_header_and_slice(header, &fields.0))
    }

    /// Where it came from.
    pub fn origin(&self) -> Origin {
        let Header { partition, offset, time, .. } = *self.header();
        Origin { partition, offset, time }
    }

    /// How many entries under its key it has taken the place of, one after the other.
    pub fn replaced_count(&self) -> u32 {
        self.header().replaced_count
    }

    /// Notes that it takes the place of `older`. Only while nobody else shares it.
    pub fn replaces(&mut self, older: &Self) {
        let count = older.replaced_count().saturating_add(1);
        self.0.with_arc_mut(|arc| {
            if let Some(entry) = Arc::get_mut(arc) {
                entry.header_mut().replaced_count = count;
            }
        });
    }

    /// From this time on the entry is absent, whether it has been swept or not.
    pub fn expires_at(&self) -> Timestamp {
        self.header().expires_at
    }

    /// Whether no read at `now` may return it any more.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at()
    }

    /// Its values, in the order of the table's fields; none where the message had none.
    pub fn values(&self) -> Values<'_> {
        Values { rest: self.packed() }
    }

    /// Bytes its one allocation was asked for: what comes before the fields, and the fields.
    pub fn allocated_bytes(&self) -> usize {
        (Self::HEADER_BYTES + self.fields_bytes()).next_multiple_of(align_of::<Header>())
    }

    /// Bytes before the fields: reference count, length, header.
    pub const HEADER_BYTES: usize = 2 * size_of::<usize>() + size_of::<Header>();

    /// Bytes of the packed fields.
    pub fn fields_bytes(&self) -> usize {
        self.packed().len()
    }

    fn header(&self) -> &Header {
        &self.0.header.header
    }

    fn packed(&self) -> &[u8] {
        &self.0.slice
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("origin", &self.origin())
            .field("expires_at", &self.expires_at())
            .field("values", &self.values().collect::<Vec<_>>())
            .finish()
    }
}

/// A field's value, borrowed from the entry that holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// JSON null.
    Null,
    /// JSON true or false.
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// An integer over `i64::MAX` that fits 64 bits without a sign.
    Uint(u64),
    /// Any other number.
    Double(f64),
    /// A string, escapes resolved.
    Text(&'a str),
    /// An object or array, as JSON text.
    Json(&'a str),
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

/// Packs one entry's values, to be copied by [`Entry::copy_of`]; reused from record to record.
#[derive(Debug, Default)]
pub struct FieldsBuffer(Vec<u8>);

impl FieldsBuffer {
    /// Empties it for the next record.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// How many bytes are packed.
    pub fn packed_bytes(&self) -> usize {
        self.0.len()
    }

    /// How many bytes are allocated for packing.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Packs the next field's value; none for a field that the message lacks.
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
        }
    }

    fn push_fixed(&mut self, tag: u8, bytes: [u8; 8]) {
        self.0.push(tag);
        self.0.extend_from_slice(&bytes);
    }

    fn push_text(&mut self, tag: u8, text: &str) {
        // A message is at most 2 GiB, and so is any text in it.
        let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.0.push(tag);
        self.0.extend_from_slice(&len.to_le_bytes());
        self.0.extend_from_slice(&text.as_bytes()[..len as usize]);
    }
}

/// Walks an entry's values in field order.
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
        let len = u32::from_le_bytes(self.take()?) as usize;
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
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { partition: 3, offset: 42, time: Timestamp::from_millis(1_000) };

    #[test]
    fn an_entry_gives_back_what_was_packed() {
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
            Some(Value::Json("[1]")),
        ];
        let mut fields = FieldsBuffer::default();
        for value in values {
            fields.push(value);
        }
        let entry = Entry::copy_of(ORIGIN, Timestamp::from_millis(2_000), &fields);
        assert_eq!(entry.values().collect::<Vec<_>>(), values);
        assert_eq!(entry.origin(), ORIGIN);
    }

    #[test]
    fn an_entry_is_absent_from_its_expiry_on() {
        let entry = Entry::copy_of(ORIGIN, Timestamp::from_millis(2_000), &FieldsBuffer::default());
        assert!(!entry.is_expired(Timestamp::from_millis(1_999)));
        assert!(entry.is_expired(Timestamp::from_millis(2_000)));
    }

    #[test]
    fn an_entry_counts_those_it_follows() {
        let entry = || Entry::copy_of(ORIGIN, Timestamp::from_millis(0), &FieldsBuffer::default());
        let (first, mut second, mut third) = (entry(), entry(), entry());
        second.replaces(&first);
        third.replaces(&second);
        assert_eq!([first, second, third].map(|entry| entry.replaced_count()), [0, 1, 2]);
    }

    #[test]
    fn a_handle_to_an_entry_is_one_pointer() {
        assert_eq!(size_of::<Entry>(), size_of::<usize>());
    }
}
