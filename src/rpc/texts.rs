//! Texts of a request that are decoded into one allocation, however many they are.

use prost::DecodeError;
use prost::bytes::{Buf, Bytes};
use prost::encoding::{DecodeContext, WireType, bytes, string};

/// Most texts that are kept. Stated in the protocol, for keys and for names of fields.
pub(super) const MAX_TEXTS: usize = 1_000;

/// A repeated string field, in the order of the request: one text, and where in it each item ends.
/// Items over the limit are counted and not kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Texts {
    text: String,
    ends: Vec<usize>,
    count: usize,
}

impl Texts {
    /// What they take in memory.
    pub(super) fn held_bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// The number of items in the request, including those over the limit.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The items that were kept: the first [`MAX_TEXTS`].
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let item = self.text.get(start..end).unwrap_or_default();
            start = end;
            item
        })
    }

    /// Merges one occurrence of the field.
    pub(super) fn merge_item(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        // Shares the request's buffer: no copy.
        let mut item = Bytes::new();
        bytes::merge(wire_type, &mut item, buf, context.clone())?;
        match std::str::from_utf8(&item) {
            Ok(item) => self.push(item, buf.remaining()),
            // Fails like any string field. prost makes that error only when it decodes one.
            Err(_) => string::merge(wire_type, &mut String::new(), &mut &*NOT_UTF8, context)?,
        }
        Ok(())
    }

    pub(super) fn push(&mut self, item: &str, rest_bytes: usize) {
        self.count += 1;
        if self.ends.len() < MAX_TEXTS {
            if self.text.capacity() == 0 {
                // The items still to come are no longer than the rest of the request.
                self.text.reserve_exact(item.len() + rest_bytes);
            }
            self.text.push_str(item);
            self.ends.push(self.text.len());
        }
    }
}

/// A string field of one byte that is not UTF-8, with its length before it.
const NOT_UTF8: &[u8] = &[1, 0xff];
