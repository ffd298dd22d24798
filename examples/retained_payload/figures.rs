//! Numbers formatted for people.

/// Bytes in MiB, rounded down to a KiB.
pub(crate) fn mib(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0
}

/// A number with commas between groups of three digits.
pub(crate) fn count(number: u64) -> String {
    let (above, below) = (number / 1_000, number % 1_000);
    if above == 0 { below.to_string() } else { format!("{},{below:03}", count(above)) }
}
