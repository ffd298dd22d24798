//! Reads the dumps of jemalloc's heap profiler, whose form is `heap_v2`.
//!
//! ```text
//! heap_v2/1048576
//!   t*: 3: 3145728 [0: 0]
//! @ 0x55d1c0 0x55d0ff
//!   t*: 1: 1048576 [0: 0]
//!   t0: 1: 1048576 [0: 0]
//!
//! MAPPED_LIBRARIES:
//! ```
//!
//! The number of the first line is the mean of bytes between two samples. The line of `t*` has the
//! objects in use and their bytes as they were sampled, of all threads.

use std::io::{self, BufRead};

use super::stacks::{Stacks, Values};

/// The stacks of a dump, scaled up from samples to all allocations.
///
/// # Errors
///
/// When it cannot be read, or is none.
pub(super) fn parse(mut dump: impl BufRead) -> io::Result<Stacks> {
    let mut line = String::new();
    dump.read_line(&mut line)?;
    let mean = line.trim().strip_prefix("heap_v2/").and_then(|mean| mean.parse::<f64>().ok());
    let mean = mean.ok_or_else(|| io::Error::other("this is no profile of jemalloc"))?;
    let (mut stacks, mut frames) = (Stacks::default(), Vec::new());
    loop {
        line.clear();
        if dump.read_line(&mut line)? == 0 || line.starts_with("MAPPED_LIBRARIES") {
            return Ok(stacks.finish());
        }
        if let Some(addresses) = line.strip_prefix("@ ") {
            frames = addresses.split_whitespace().filter_map(call_at).collect();
        } else if let Some(sampled) = line.trim().strip_prefix("t*: ").and_then(values) {
            // The first such line, before any stack, is the sum of all.
            if !frames.is_empty() {
                stacks.add(&frames, scaled(sampled, mean));
            }
        }
    }
}

/// Where the call is that returns to this address.
fn call_at(return_address: &str) -> Option<u64> {
    u64::from_str_radix(return_address.trim_start_matches("0x"), 16).ok()?.checked_sub(1)
}

/// Objects and bytes in use, from `1: 1048576 [0: 0]`.
fn values(text: &str) -> Option<Values> {
    let (objects, rest) = text.split_once(": ")?;
    let (bytes, _) = rest.split_once(' ')?;
    Some([objects.parse().ok()?, bytes.parse().ok()?])
}

/// An allocation of `size` bytes is sampled with the probability `1 - exp(-size / mean)`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, and never negative"
)]
fn scaled([objects, bytes]: Values, mean: f64) -> Values {
    if objects == 0 || bytes == 0 {
        return [objects, bytes];
    }
    let size = bytes as f64 / objects as f64;
    let scale = 1.0 / (1.0 - (-size / mean).exp());
    [objects, bytes].map(|value| (value as f64 * scale).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "heap_v2/1048576\n  t*: 9: 9 [0: 0]\n  t3: 9: 9 [0: 0]\n\
        @ 0x11 0x21\n  t*: 1: 1024 [0: 0]\n  t3: 1: 1024 [0: 0]\n\
        @ 0x11 0x31\n  t*: 2: 33554432 [7: 7]\n\nMAPPED_LIBRARIES:\n@ 0x99\n  t*: 1: 1 [0: 0]\n";

    #[test]
    fn samples_stand_for_all_that_was_allocated() {
        let stacks = parse(DUMP.as_bytes()).unwrap();
        let mut found: Vec<_> = stacks.iter().collect();
        found.sort_unstable();
        // A sample of 1 KiB stands for about 1024 such, one of 16 MiB for itself.
        let [(small, [objects, bytes]), (large, [2, large_bytes])] = found[..] else {
            panic!("{found:?}");
        };
        assert_eq!((small, large), (&[0x10, 0x20][..], &[0x10, 0x30][..]));
        assert!(large_bytes.abs_diff(32 << 20) < 100, "{found:?}");
        assert!(objects.abs_diff(1_024) <= 1 && bytes.abs_diff(1 << 20) < 1_024, "{found:?}");
    }

    #[test]
    fn what_is_no_dump_is_refused() {
        for text in ["", "heap_v2/x\n", "heap profile: 1\n"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
