//! A ring of bytes with changes in it, each after its length. The oldest make room for new ones.

use std::time::{Duration, Instant};

/// What the length of a change takes before it.
const LENGTH_BYTES: usize = size_of::<u32>();

#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Empty while nobody watches.
    bytes: Box<[u8]>,
    /// The position of the oldest change.
    first: u64,
    /// The position after the newest change.
    end: u64,
    readers: usize,
    /// When the last reader left.
    unwatched_since: Option<Instant>,
}

impl Ring {
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Takes note of one more reader. The first finds an empty ring.
    pub(super) fn add_reader(&mut self, capacity_bytes: usize) {
        if self.bytes.is_empty() {
            self.bytes = vec![0; capacity_bytes].into();
            // Changes were missed, so no earlier position may look like this one.
            self.end += 1;
            self.first = self.end;
        }
        self.readers += 1;
        self.unwatched_since = None;
    }

    pub(super) fn remove_reader(&mut self) {
        self.readers -= 1;
        if self.readers == 0 {
            self.unwatched_since = Some(Instant::now());
        }
    }

    pub(super) fn is_unwatched_for(&self, time: Duration) -> bool {
        self.unwatched_since.is_some_and(|since| since.elapsed() >= time)
    }

    /// Forgets all changes, and frees the memory.
    pub(super) fn clear(&mut self) {
        self.bytes = Box::default();
        self.first = self.end;
        self.unwatched_since = None;
    }

    /// Appends one change. One that is larger than the ring is not kept, so every reader is overtaken.
    pub(super) fn append(&mut self, parts: [&[u8]; 3]) {
        let bytes = parts.iter().map(|part| part.len()).sum::<usize>();
        let Ok(length) = u32::try_from(bytes) else { return };
        let taken = (LENGTH_BYTES + bytes) as u64;
        let capacity = self.bytes.len() as u64;
        if taken > capacity {
            self.end += taken;
            self.first = self.end;
            return;
        }
        while self.end + taken - self.first > capacity {
            self.first += self.taken_at(self.first);
        }
        self.put(&length.to_le_bytes());
        for part in parts {
            self.put(part);
        }
    }

    /// Whether all changes after a position are still there.
    pub(super) fn has_all_after(&self, position: u64) -> bool {
        (self.first..=self.end).contains(&position)
    }

    /// Copies whole changes after a position, each with its length, and returns the position after
    /// them; none if changes after the position were overwritten. Copies at least one if there is one,
    /// and no further one that would make it more than `most_bytes`.
    pub(super) fn copy(&self, from: u64, most_bytes: usize, into: &mut Vec<u8>) -> Option<u64> {
        if !self.has_all_after(from) {
            return None;
        }
        let mut to = from;
        while to < self.end {
            let next = to + self.taken_at(to);
            if to > from && next - from > most_bytes as u64 {
                break;
            }
            to = next.min(self.end);
        }
        let bytes = usize::try_from(to - from).ok()?;
        let (front, back) = self.slices(from, bytes);
        into.reserve_exact(bytes);
        into.extend_from_slice(front);
        into.extend_from_slice(back);
        Some(to)
    }

    /// What the change at a position takes, with its length.
    fn taken_at(&self, position: u64) -> u64 {
        let mut length = [0; LENGTH_BYTES];
        let (front, back) = self.slices(position, LENGTH_BYTES);
        length[..front.len()].copy_from_slice(front);
        length[front.len()..].copy_from_slice(back);
        LENGTH_BYTES as u64 + u64::from(u32::from_le_bytes(length))
    }

    /// So many bytes from a position on: those up to the end of the memory, and those from its
    /// beginning.
    fn slices(&self, position: u64, bytes: usize) -> (&[u8], &[u8]) {
        let at = self.place_of(position);
        let front = bytes.min(self.bytes.len() - at);
        (&self.bytes[at..at + front], &self.bytes[..bytes - front])
    }

    fn put(&mut self, part: &[u8]) {
        let at = self.place_of(self.end);
        let (front, back) = part.split_at(part.len().min(self.bytes.len() - at));
        self.bytes[at..at + front.len()].copy_from_slice(front);
        self.bytes[..back.len()].copy_from_slice(back);
        self.end += part.len() as u64;
    }

    fn place_of(&self, position: u64) -> usize {
        usize::try_from(position % self.bytes.len() as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(ring: &Ring, from: u64, most: usize) -> Option<Vec<Vec<u8>>> {
        let (mut bytes, mut from) = (Vec::new(), from);
        while from < ring.end() {
            from = ring.copy(from, most, &mut bytes)?;
        }
        let (mut changes, mut rest) = (Vec::new(), bytes.as_slice());
        while let Some((length, behind)) = rest.split_first_chunk() {
            let (change, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
            changes.push(change.to_vec());
            rest = behind;
        }
        Some(changes)
    }

    proptest! {
        #[test]
        fn whoever_is_not_overtaken_reads_all_that_was_appended(
            changes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..60),
            most in 1_usize..300,
        ) {
            let mut ring = Ring::default();
            ring.add_reader(200);
            let mut positions = vec![ring.end()];
            for change in &changes {
                let (front, back) = change.split_at(change.len() / 2);
                ring.append([front, &[], back]);
                positions.push(ring.end());
            }
            for (index, &position) in positions.iter().enumerate() {
                let expected = ring.has_all_after(position).then(|| changes[index..].to_vec());
                prop_assert_eq!(read_all(&ring, position, most), expected);
            }
            prop_assert!(ring.has_all_after(positions[positions.len() - 2]));
        }
    }

    #[test]
    fn a_change_that_is_larger_than_the_ring_overtakes_every_reader() {
        let mut ring = Ring::default();
        ring.add_reader(100);
        let before = ring.end();
        ring.append([&[1; 97], &[], &[]]);
        assert!(!ring.has_all_after(before) && ring.has_all_after(ring.end()));
        let after = ring.end();
        ring.append([&[2; 96], &[], &[]]);
        assert_eq!(read_all(&ring, after, 1), Some(vec![vec![2; 96]]));
    }

    #[test]
    fn no_position_from_before_a_pause_is_taken_for_one_after_it() {
        let mut ring = Ring::default();
        ring.add_reader(100);
        ring.append([&[1; 10], &[], &[]]);
        let last = ring.end();
        ring.remove_reader();
        assert!(ring.is_unwatched_for(Duration::ZERO));
        ring.clear();
        ring.add_reader(100);
        assert!(!ring.has_all_after(last) && !ring.is_unwatched_for(Duration::ZERO));
    }
}
