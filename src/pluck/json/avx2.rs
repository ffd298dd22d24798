//! Scans strings 32 bytes at a time, and has the walk compiled for processors that can.
//!
//! The only unsafe code of plucking. Two things have to hold, and each is proved where it is used:
//! code that is compiled for AVX2 runs only on a processor that has it, and a vector is loaded
//! from memory that is as long as it.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8,
};

use super::cursor::Invalid;
use super::scan::{Portable, Scan};
use super::walk::Walk;

/// Proof that this processor has AVX2 and BMI1: there is no other way to get one than
/// [`Self::detect`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The proof; `None` on a processor without.
    pub(super) fn detect() -> Option<Self> {
        let is_there = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1");
        is_there.then_some(Self(()))
    }

    /// Takes a walk, by code that is compiled for AVX2.
    #[expect(unsafe_code, reason = "code for AVX2 is called")]
    pub(super) fn run(walk: Walk<'_, '_, Self>) -> Result<(), Invalid> {
        // SAFETY: the walk has the proof that the processor has the features of `run`.
        unsafe { run(walk) }
    }
}

impl Scan for Avx2 {
    #[expect(clippy::inline_always, reason = "only code for AVX2 can take in code for AVX2")]
    #[expect(unsafe_code, reason = "code for AVX2 is called")]
    #[inline(always)]
    fn end_of_plain(self, bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            // SAFETY: `self` proves that the processor has the features of `ends_in`.
            let ends = unsafe { ends_in(chunk) };
            if ends != 0 {
                return at + ends.trailing_zeros() as usize;
            }
            at += size_of::<__m256i>();
        }
        Portable.end_of_plain(bytes, at)
    }
}

#[target_feature(enable = "avx2,bmi1")]
fn run(walk: Walk<'_, '_, Avx2>) -> Result<(), Invalid> {
    walk.run()
}

/// A bit for each byte that ends plain characters, that of the first byte lowest.
#[expect(unsafe_code, reason = "a vector is loaded")]
#[inline]
#[target_feature(enable = "avx2,bmi1")]
fn ends_in(chunk: &[u8; size_of::<__m256i>()]) -> u32 {
    // SAFETY: the chunk has the 32 bytes that are read. The load does not need them aligned.
    let bytes = unsafe { _mm256_loadu_si256(chunk.as_ptr().cast()) };
    let quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'"'.cast_signed()));
    let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\'.cast_signed()));
    // No byte is above the last control character just if the larger of both is that.
    let last_control = _mm256_set1_epi8(0x1f);
    let control = _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, last_control), last_control);
    let ends = _mm256_or_si256(_mm256_or_si256(quote, backslash), control);
    _mm256_movemask_epi8(ends).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pluck::json::scan::tests::check;

    #[test]
    fn a_vector_at_a_time_finds_what_a_byte_at_a_time_finds() {
        match Avx2::detect() {
            Some(avx2) => check(avx2),
            None => eprintln!("skipped: this processor has no AVX2"),
        }
    }
}
