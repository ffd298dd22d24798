//! Finds where the plain characters of a string end, many bytes at a time.
//!
//! [`Portable`] works on every processor, eight bytes at a time. `avx2` is its faster twin.

/// A way to scan strings.
pub(super) trait Scan: Copy {
    /// The index of the first byte at `from` or after it that ends a run of plain characters: a
    /// quote, a backslash or a control character. The length of `bytes` if there is none.
    fn end_of_plain(self, bytes: &[u8], from: usize) -> usize;
}

/// Scans the eight bytes of a word at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable;

impl Scan for Portable {
    #[inline]
    fn end_of_plain(self, bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            let ends = ends_in(u64::from_le_bytes(*word));
            if ends != 0 {
                return at + ends.trailing_zeros() as usize / 8;
            }
            at += size_of::<u64>();
        }
        let rest = bytes.get(at..).unwrap_or_default();
        rest.iter().position(|byte| is_end(*byte)).map_or(bytes.len(), |index| at + index)
    }
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

/// A word whose lowest bit that is set is the highest bit of the first byte that ends plain
/// characters; 0 if no byte does. The subtraction borrows from the bytes above such a byte, so
/// bits above the lowest mean nothing.
#[inline]
fn ends_in(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    let below = |word: u64, limit: u8| word.wrapping_sub(EACH * u64::from(limit)) & !word;
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (below(word, b' ') | is(b'"') | is(b'\\')) & (EACH * 0x80)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Checks a way to scan against one byte at a time, for every byte at every place.
    pub(in super::super) fn check(scan: impl Scan) {
        for (len, from) in [(0, 0), (1, 0), (7, 3), (8, 0), (40, 0), (40, 7), (100, 33), (9, 9)] {
            assert_eq!(scan.end_of_plain(&vec![b'x'; len], from), len, "{len}");
            for (at, byte) in (from..len).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                let mut bytes = vec![b'\x7f'; len];
                bytes[at] = byte;
                bytes[len - 1] = if at == len - 1 { byte } else { 0 };
                let expected = (from..len).find(|at| is_end(bytes[*at])).unwrap_or(len);
                assert_eq!(scan.end_of_plain(&bytes, from), expected, "{byte} at {at} of {len}");
            }
        }
        assert_eq!(scan.end_of_plain(b"xy", 7), 2);
    }

    #[test]
    fn a_word_at_a_time_finds_what_a_byte_at_a_time_finds() {
        check(Portable);
    }
}
