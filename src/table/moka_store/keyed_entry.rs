//! An entry with its key: one allocation, and a handle of one pointer.

use triomphe::ThinArc;

use crate::record::{EntryHeader, EntryView, Fields, varint};

/// The key and the fields of most entries take no more.
const SMALL_BYTES: usize = 256;

/// A key and its entry. Clones share it.
///
/// After the header come the length of the key as a varint, the key, and the packed fields.
#[derive(Clone)]
pub(super) struct KeyedEntry(ThinArc<EntryHeader, u8>);

impl KeyedEntry {
    /// Bytes before the length of the key: reference count, length and header.
    pub(super) const HEADER_BYTES: usize = 2 * size_of::<usize>() + size_of::<EntryHeader>();

    pub(super) fn copy_of(key: &str, entry: &EntryView<'_>) -> Self {
        let fields = entry.fields;
        // An allocation costs more than to copy a small entry twice.
        let (mut small, mut large) = ([0; SMALL_BYTES], Vec::new());
        let slice_bytes = length_bytes(key.len()) + key.len() + fields.packed_bytes();
        let bytes = small.get_mut(..slice_bytes).unwrap_or_else(|| {
            large.resize(slice_bytes, 0);
            &mut large
        });
        let (length, rest) = bytes.split_at_mut(length_bytes(key.len()));
        let (key_part, fields_part) = rest.split_at_mut(key.len());
        varint::write(length, key.len() as u64);
        key_part.copy_from_slice(key.as_bytes());
        fields_part.copy_from_slice(fields.packed());
        Self(ThinArc::from_header_and_slice(EntryHeader::of(entry), bytes))
    }

    /// The size that is requested for the allocation of an entry.
    pub(super) fn allocated_bytes(key_bytes: usize, fields_bytes: usize) -> usize {
        let bytes = Self::HEADER_BYTES + length_bytes(key_bytes) + key_bytes + fields_bytes;
        bytes.next_multiple_of(align_of::<EntryHeader>())
    }

    /// The text of the key. UTF-8; it is compared far more often than shown.
    pub(super) fn key(&self) -> &[u8] {
        self.parts().0
    }

    pub(super) fn is_of(&self, key: &str) -> bool {
        self.key() == key.as_bytes()
    }

    /// The entry, borrowed.
    pub(super) fn view(&self) -> EntryView<'_> {
        self.0.header.header.view(Fields::of_packed(self.parts().1))
    }

    /// The key and the packed fields.
    fn parts(&self) -> (&[u8], &[u8]) {
        let mut rest = &self.0.slice;
        let key_bytes = varint::take(&mut rest).and_then(|bytes| usize::try_from(bytes).ok());
        // The length is never more than what follows it: `copy_of` wrote both.
        key_bytes.and_then(|bytes| rest.split_at_checked(bytes)).unwrap_or_default()
    }
}

/// How many bytes the length of a key takes.
pub(super) fn length_bytes(key_bytes: usize) -> usize {
    varint::bytes_of(key_bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FieldsBuffer, Origin, Timestamp, Value};

    #[test]
    fn a_copy_shows_what_was_copied_and_takes_what_is_said() {
        for key_bytes in [1, 36, 127, 128, 20_000] {
            let key = "k".repeat(key_bytes);
            let mut fields = FieldsBuffer::default();
            fields.push(Some(Value::Text("text")));
            let entry = EntryView {
                origin: Origin { partition: 3, offset: 42, time: Timestamp::from_millis(1_000) },
                rank: 1_001,
                expires_at: Timestamp::from_millis(2_000),
                replaced_count: 7,
                fields: fields.fields(),
            };
            let copy = KeyedEntry::copy_of(&key, &entry);
            assert_eq!((copy.key(), copy.view()), (key.as_bytes(), entry));
            let slice_bytes = copy.0.slice.len();
            let allocated = KeyedEntry::allocated_bytes(key_bytes, entry.fields.packed_bytes());
            assert_eq!(
                (KeyedEntry::HEADER_BYTES + slice_bytes).next_multiple_of(8),
                allocated,
                "{key_bytes}"
            );
        }
    }

    #[test]
    fn a_handle_to_an_entry_is_one_pointer() {
        assert_eq!(size_of::<KeyedEntry>(), size_of::<usize>());
    }
}
