//! The keys of a batch: one text and where each of them ends in it.

use prost::DecodeError;
use prost::bytes::{Buf, Bytes};
use prost::encoding::{DecodeContext, WireType, bytes, string};

use super::KeyField;
use crate::rpc::MAX_BATCH_KEYS;

/// A text that is none, with its length before it.
const NO_TEXT: &[u8] = &[1, 0xff];

/// Keys in the order in which they are asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys {
    text: String,
    ends: Vec<usize>,
    count: usize,
}

impl Keys {
    /// How many there are, those among them that are over the limit and were not kept.
    pub(in crate::rpc) fn count(&self) -> usize {
        self.count
    }

    /// Those that were kept: the first [`MAX_BATCH_KEYS`].
    pub(in crate::rpc) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let key = self.text.get(start..end).unwrap_or_default();
            start = end;
            key
        })
    }

    fn push(&mut self, key: &str, rest_bytes: usize) {
        self.count += 1;
        if self.ends.len() < MAX_BATCH_KEYS {
            if self.text.capacity() == 0 {
                // All keys together are no longer than what is left of the request.
                self.text.reserve_exact(key.len() + rest_bytes);
            }
            self.text.push_str(key);
            self.ends.push(self.text.len());
        }
    }
}

impl KeyField for Keys {
    const NAMES: (&'static str, &'static str) = ("BatchGetRequest", "keys");

    fn take(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        // A part of the request's own buffer, and not a copy of it.
        let mut key = Bytes::new();
        bytes::merge(wire_type, &mut key, buf, context.clone())?;
        match std::str::from_utf8(&key) {
            Ok(key) => self.push(key, buf.remaining()),
            // The error that a string gives, which is to be had in no other way.
            Err(_) => string::merge(wire_type, &mut String::new(), &mut &*NO_TEXT, context)?,
        }
        Ok(())
    }
}
