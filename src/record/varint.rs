//! Integers in as few bytes as they need: seven bits in each byte, the lowest first, and one
//! bit that says whether another byte follows (LEB128).

/// The most bytes that an integer takes.
pub(crate) const MAX_BYTES: usize = 10;

/// How many bytes an integer takes.
#[inline]
pub(crate) fn bytes_of(integer: u64) -> usize {
    (64 - (integer | 1).leading_zeros() as usize).div_ceil(7)
}

/// Appends an integer.
pub(crate) fn push(bytes: &mut Vec<u8>, mut integer: u64) {
    while integer > 0x7f {
        bytes.push(low_bits(integer) | 0x80);
        integer >>= 7;
    }
    bytes.push(low_bits(integer));
}

/// Writes an integer over as many bytes as it takes.
pub(crate) fn write(bytes: &mut [u8], integer: u64) {
    let last = bytes.len().saturating_sub(1);
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = low_bits(integer >> (7 * at)) | if at < last { 0x80 } else { 0 };
    }
}

/// Takes an integer off the front; `None` if there is no whole one.
#[inline]
pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut integer = 0;
    for (at, &byte) in bytes.iter().take(MAX_BYTES).enumerate() {
        integer |= u64::from(byte & 0x7f) << (7 * at);
        if byte <= 0x7f {
            *bytes = &bytes[at + 1..];
            return Some(integer);
        }
    }
    None
}

/// Folds a signed integer so that one near zero takes few bytes, whatever its sign (zigzag).
pub(crate) fn fold(signed: i64) -> u64 {
    ((signed << 1) ^ (signed >> 63)).cast_unsigned()
}

/// The integer that was folded.
pub(crate) fn unfold(folded: u64) -> i64 {
    (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed()
}

fn low_bits(integer: u64) -> u8 {
    (integer & 0x7f) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_taken_is_what_was_pushed(integers in proptest::collection::vec(any::<u64>(), 0..9)) {
            let mut bytes = Vec::new();
            for &integer in &integers {
                let before = bytes.len();
                push(&mut bytes, integer);
                let mut written = [0; MAX_BYTES];
                let written = &mut written[..bytes_of(integer)];
                write(written, integer);
                prop_assert_eq!(&bytes[before..], written);
            }
            let mut rest = bytes.as_slice();
            let taken: Vec<_> = std::iter::from_fn(|| take(&mut rest)).collect();
            prop_assert_eq!(taken, integers);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn what_is_unfolded_is_what_was_folded(signed in any::<i64>()) {
            prop_assert_eq!(unfold(fold(signed)), signed);
        }
    }

    #[test]
    fn small_integers_take_few_bytes_and_broken_ones_are_none() {
        assert_eq!([0, 127, 128, 16_383, 16_384, u64::MAX].map(bytes_of), [1, 1, 2, 2, 3, 10]);
        assert_eq!([0, -1, 1, -64].map(fold), [0, 1, 2, 127]);
        let mut unfinished: &[u8] = &[0x80; 20];
        assert_eq!((take(&mut unfinished), unfinished.len()), (None, 20));
    }
}
