//! The order in which a scan reads a table, and the parts in which it learns which keys there are.
//!
//! Entries come, leave and move while a scan goes on. The hash of a key stays. So a scan goes by the
//! hashes: it learns a part of them by a walk, and then reads the entries one by one. A key has one
//! place in that order, so it cannot be read twice, nor be missed while it has an entry.

use super::ghosts::KeyHash;

/// The place of a key in the order of scans. Of use in the table that it is of, until the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScanPosition(u64);

/// A part of the keys of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPart {
    /// Where the keys are, in the order of the scan. Two keys may have the same place.
    pub positions: Vec<ScanPosition>,
    /// No key up to here is left out; none where that is true of all keys.
    pub end: Option<ScanPosition>,
}

/// The most positions of a part of any store. While it is made there are twice as many.
pub(super) const MAX_POSITIONS: usize = 16 << 10;

/// Gathers the first positions after one, in whatever order they come.
#[derive(Debug)]
pub(super) struct PartBuilder {
    after: Option<ScanPosition>,
    /// How many are enough.
    most: usize,
    /// Positions after this are left out, since there are enough before it.
    end: Option<ScanPosition>,
    positions: Vec<ScanPosition>,
}

impl ScanPosition {
    /// The position as a number. The order of the numbers is that of the positions.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The position with that number.
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }

    pub(super) fn of(key_hash: KeyHash) -> Self {
        // The compact store chooses its shards by the bits that come first then.
        Self(key_hash.as_u64().rotate_left(8))
    }

    pub(super) fn key_hash(self) -> KeyHash {
        KeyHash::from_u64(self.0.rotate_right(8))
    }
}

impl ScanPart {
    /// What a part takes at most, in bytes.
    pub const MAX_BYTES: usize = MAX_POSITIONS * size_of::<ScanPosition>();

    /// What the part takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.positions.capacity() * size_of::<ScanPosition>()
    }
}

impl PartBuilder {
    /// For at most so many positions.
    pub(super) fn new(after: Option<ScanPosition>, most: usize) -> Self {
        Self { after, most: most.min(MAX_POSITIONS), end: None, positions: Vec::new() }
    }

    pub(super) fn offer(&mut self, position: ScanPosition) {
        let is_early = self.after.is_some_and(|after| position <= after);
        let is_late = self.end.is_some_and(|end| position > end);
        if is_early || is_late {
            return;
        }
        self.positions.push(position);
        if self.positions.len() >= 2 * self.most {
            self.keep_first();
        }
    }

    /// Whether there are enough.
    pub(super) fn is_full(&self) -> bool {
        self.positions.len() >= self.most
    }

    /// The part, where all keys up to `end` were offered; none where all keys were.
    pub(super) fn build(mut self, end: Option<ScanPosition>) -> ScanPart {
        self.keep_first();
        self.positions.shrink_to_fit();
        ScanPart { positions: self.positions, end: self.end.or(end) }
    }

    fn keep_first(&mut self) {
        self.positions.sort_unstable();
        self.positions.dedup();
        if self.positions.len() > self.most {
            self.positions.truncate(self.most);
            self.end = self.positions.last().copied();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 1_000;

    fn part(after: Option<u64>, offered: impl Iterator<Item = u64>) -> ScanPart {
        let mut part = PartBuilder::new(after.map(ScanPosition), MAX);
        offered.for_each(|number| part.offer(ScanPosition(number)));
        part.build(None)
    }

    #[test]
    fn a_position_gives_back_its_hash() {
        for hash in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            let hash = KeyHash::from_u64(hash);
            assert_eq!(ScanPosition::of(hash).key_hash(), hash);
        }
    }

    #[test]
    fn parts_have_all_positions_once_in_their_order_whatever_order_they_are_offered_in() {
        let count = 5 * MAX as u64 + 7;
        // A step that has no factor in common with the count visits all.
        let offered = || (0..count).chain(0..100).map(|step| step * 999_983 % count);
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let ScanPart { positions, end } = part(after, offered());
            assert!(positions.len() <= MAX);
            seen.extend(positions.into_iter().map(ScanPosition::as_u64));
            after = end.map(ScanPosition::as_u64);
            if after.is_none() {
                break;
            }
        }
        assert!(seen.into_iter().eq(0..count));
    }
}
