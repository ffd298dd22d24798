//! How a record is encoded in a segment.
//!
//! ```text
//!   seven or eight varints (some 13 bytes together)                     bytes
//! +------+--------+----------+-----------+--------+------+------+------+-----+--------+
//! | key  | fields | replaced | partition | offset | time | life | rank | key | fields |
//! | size | size   | count    |           |        |      |      |      |     |        |
//! +------+--------+----------+-----------+--------+------+------+------+-----+--------+
//! ```
//!
//! Time is the record's, in milliseconds since the table was made. Life is the difference between
//! the entry's life and the table's time to live. Both are small for most records, and zigzag
//! folding keeps small negative numbers small. Rank is the difference between the record's rank and
//! its time. Most records are ranked by their own time: for those it is left out, and the lowest
//! bit of the partition says so. The sizes say where the next record begins.

use crate::record::{EntryView, Fields, Origin, Recency, Timestamp, varint};

const NUMBERS: usize = 7;
/// The position of the replaced count among them.
const REPLACED_COUNT: usize = 2;
/// The position of the partition, whose lowest bit says whether a rank follows.
const PARTITION: usize = 3;
const HAS_RANK: u64 = 1;

/// What the numbers of one table are relative to.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) beginning: Timestamp,
    pub(super) ttl_millis: i64,
}

/// A record that is ready to be appended to a segment.
pub(super) struct EncodedRecord<'a> {
    numbers: [u64; NUMBERS],
    time_millis: i64,
    /// None for a record that is ranked by its time.
    rank: Option<u64>,
    pub(super) key: &'a str,
    pub(super) fields: Fields<'a>,
    pub(super) recency: Recency,
    pub(super) expires_at: Timestamp,
}

impl EncodedRecord<'_> {
    /// How many bytes there are before the key.
    pub(super) fn header_bytes(&self) -> usize {
        self.numbers().map(varint::bytes_of).sum()
    }

    fn numbers(&self) -> impl Iterator<Item = u64> {
        self.numbers.into_iter().chain(self.rank)
    }

    /// How many bytes the record takes.
    pub(super) fn bytes(&self) -> usize {
        self.header_bytes() + self.key.len() + self.fields.packed_bytes()
    }

    pub(super) fn set_replaced_count(&mut self, replaced_count: u32) {
        self.numbers[REPLACED_COUNT] = u64::from(replaced_count);
    }

    pub(super) fn set_rank(&mut self, rank: i64) {
        let lead = rank.wrapping_sub(self.time_millis);
        self.rank = (lead != 0).then(|| varint::fold(lead));
        self.numbers[PARTITION] &= !HAS_RANK;
        self.numbers[PARTITION] |= u64::from(lead != 0) * HAS_RANK;
    }

    /// Appends the record.
    pub(super) fn push_to(&self, bytes: &mut Vec<u8>) {
        self.numbers().for_each(|number| varint::push(bytes, number));
        bytes.extend_from_slice(self.key.as_bytes());
        bytes.extend_from_slice(self.fields.packed());
    }
}

/// A record in a segment.
#[derive(Clone, Copy)]
pub(super) struct StoredRecord<'a> {
    /// UTF-8. It is kept as bytes, since keys are compared and hashed far more often than shown.
    pub(super) key: &'a [u8],
    pub(super) entry: EntryView<'a>,
    /// How many bytes it takes.
    pub(super) bytes: usize,
}

impl Layout {
    pub(super) fn encode<'a>(&self, key: &'a str, entry: &EntryView<'a>) -> EncodedRecord<'a> {
        let EntryView { origin: Origin { partition, offset, time }, fields, .. } = *entry;
        let time = time.as_millis();
        let life = entry.expires_at.as_millis().wrapping_sub(time);
        let numbers = [
            key.len() as u64,
            fields.packed_bytes() as u64,
            u64::from(entry.replaced_count),
            u64::from(partition.cast_unsigned()) << 1,
            varint::fold(offset),
            varint::fold(time.wrapping_sub(self.beginning.as_millis())),
            varint::fold(life.wrapping_sub(self.ttl_millis)),
        ];
        let mut record = EncodedRecord {
            numbers,
            time_millis: time,
            rank: None,
            key,
            fields,
            recency: entry.recency(),
            expires_at: entry.expires_at,
        };
        record.set_rank(entry.rank);
        record
    }

    /// The record at the front of `bytes`; none if there is no whole one.
    pub(super) fn read<'a>(&self, bytes: &'a [u8]) -> Option<StoredRecord<'a>> {
        let mut rest = bytes;
        let mut numbers = [0; NUMBERS];
        for number in &mut numbers {
            *number = varint::take(&mut rest)?;
        }
        let [key_bytes, fields_bytes, replaced_count, partition, offset, time, life] = numbers;
        let lead = if partition & HAS_RANK == 0 { 0 } else { varint::take(&mut rest)? };
        let (key, rest) = rest.split_at_checked(usize::try_from(key_bytes).ok()?)?;
        let (fields, rest) = rest.split_at_checked(usize::try_from(fields_bytes).ok()?)?;
        let time = varint::unfold(time).wrapping_add(self.beginning.as_millis());
        let life = varint::unfold(life).wrapping_add(self.ttl_millis);
        let entry = EntryView {
            origin: Origin {
                partition: u32::try_from(partition >> 1).ok()?.cast_signed(),
                offset: varint::unfold(offset),
                time: Timestamp::from_millis(time),
            },
            rank: time.wrapping_add(varint::unfold(lead)),
            expires_at: Timestamp::from_millis(time.wrapping_add(life)),
            replaced_count: u32::try_from(replaced_count).ok()?,
            fields: Fields::of_packed(fields),
        };
        Some(StoredRecord { key, entry, bytes: bytes.len() - rest.len() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAYOUT: Layout =
        Layout { beginning: Timestamp::from_millis(1_700_000_000_000), ttl_millis: 3_600_000 };

    fn timestamp() -> impl Strategy<Value = Timestamp> {
        any::<i64>().prop_map(Timestamp::from_millis)
    }

    proptest! {
        #[test]
        fn records_are_read_as_they_were_encoded(
            records in prop::collection::vec(
                (".{1,40}", prop::collection::vec(any::<u8>(), 0..200), any::<(i32, i64, u32)>(), timestamp(), timestamp(), prop::option::of(any::<i64>())),
                0..8,
            ),
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for (key, fields, (partition, offset, replaced_count), time, expires_at, rank) in &records {
                let entry = EntryView {
                    origin: Origin { partition: *partition, offset: *offset, time: *time },
                    rank: rank.unwrap_or(time.as_millis()),
                    expires_at: *expires_at,
                    replaced_count: *replaced_count,
                    fields: Fields::of_packed(fields),
                };
                let (encoded, before) = (LAYOUT.encode(key, &entry), bytes.len());
                encoded.push_to(&mut bytes);
                prop_assert_eq!(bytes.len() - before, encoded.bytes());
                expected.push((key.as_bytes(), entry));
            }
            let mut rest = bytes.as_slice();
            for (key, entry) in expected {
                let stored = LAYOUT.read(rest).unwrap();
                prop_assert_eq!((stored.key, stored.entry), (key, entry));
                rest = &rest[stored.bytes..];
            }
            prop_assert!(LAYOUT.read(rest).is_none());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            if let Some(stored) = LAYOUT.read(&bytes) {
                prop_assert!(stored.bytes <= bytes.len());
            }
        }
    }

    #[test]
    fn the_bytes_before_a_key_are_thirteen() {
        let time = LAYOUT.beginning.plus(std::time::Duration::from_secs(3_000));
        let entry = EntryView {
            origin: Origin { partition: 7, offset: 30_000_000, time },
            rank: time.as_millis(),
            expires_at: time.plus(std::time::Duration::from_secs(3_600)),
            replaced_count: 3,
            fields: Fields::of_packed(&[0; 66]),
        };
        assert_eq!(LAYOUT.encode("key", &entry).header_bytes(), 13);
    }
}
