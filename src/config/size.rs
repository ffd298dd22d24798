//! Sizes and shares, such as `64MiB` and `12.5%`: their text forms and their arithmetic.
//!
//! The arithmetic is exact: a printed value reads back as the same value.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// A size in bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A size in KiB.
    pub const fn kib(kib: u64) -> Self {
        Self(kib << 10)
    }

    /// A size in MiB.
    pub const fn mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// The number of bytes.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number of bytes, or the largest number that fits where that is smaller.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Binary units before decimal ones, the larger first: a size is printed in the first unit
/// that divides it.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let factor = factor(unit.trim_start())?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let bytes = scaled(whole, fraction, factor).ok_or("not a size")?;
        u64::try_from(bytes).map(Self).map_err(|_| "more than any machine has".into())
    }
}

fn factor(unit: &str) -> Result<u64, String> {
    // Kubernetes writes units without the B, as in 64Mi.
    let long = format!("{unit}B");
    let named = |name: &str| name.eq_ignore_ascii_case(unit) || name.eq_ignore_ascii_case(&long);
    let known = UNITS.iter().find(|(name, _)| named(name));
    known.map(|(_, factor)| *factor).ok_or_else(|| format!("unknown unit {unit:?}"))
}

/// `whole.fraction` times `factor`, rounded down.
fn scaled(whole: &str, fraction: &str, factor: u64) -> Option<u128> {
    let factor = u128::from(factor);
    let tenths = 10_u128.checked_pow(fraction.len().try_into().ok()?)?;
    let fraction = fraction.parse::<u128>().ok()?.checked_mul(factor)? / tenths;
    whole.parse::<u128>().ok()?.checked_mul(factor)?.checked_add(fraction)
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |unit: &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(unit.1);
        let (name, factor) = UNITS.iter().find(divides).unwrap_or(&("B", 1));
        write!(f, "{}{name}", self.0 / factor)
    }
}

/// A share, above 0 % and at most 100 %, in steps of a hundredth of a per cent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// Hundredths of a per cent: 1..=10,000.
    hundredths: u16,
}

impl Share {
    /// This share of `total`, rounded down.
    pub fn of(self, total: u64) -> u64 {
        let part = u128::from(total) * u128::from(self.hundredths) / 10_000;
        u64::try_from(part).unwrap_or(total)
    }

    /// The sum of shares, in hundredths of a per cent.
    pub(super) fn sum(shares: impl Iterator<Item = Self>) -> u64 {
        shares.map(|share| u64::from(share.hundredths)).sum()
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('%').ok_or("not a share")?.trim_end();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if fraction.len() > 2 {
            return Err("finer than a hundredth of a per cent".into());
        }
        let hundredths = scaled(whole, fraction, 100).ok_or("not a share")?;
        match u16::try_from(hundredths) {
            Ok(hundredths @ 1..=10_000) => Ok(Self { hundredths }),
            _ => Err("not above 0 % and at most 100 %".into()),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.hundredths / 100, self.hundredths % 100);
        let fraction = format!(".{fraction:02}");
        write!(f, "{whole}{}%", fraction.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// The capacity of a table: bytes, or a share of the memory budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// A fixed number of bytes.
    Bytes(u64),
    /// A share of the memory budget.
    Share(Share),
}

impl FromStr for Capacity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.ends_with('%') {
            return text.parse().map(Self::Share);
        }
        match text.parse::<ByteSize>()?.as_u64() {
            0 => Err("nothing fits".into()),
            bytes => Ok(Self::Bytes(bytes)),
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => ByteSize(*bytes).fmt(f),
            Self::Share(share) => share.fmt(f),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Capacity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_the_usual_units() {
        for (text, bytes) in [
            ("0", 0),
            ("1000", 1000),
            ("64MiB", 64 << 20),
            ("64 MiB", 64 << 20),
            ("64Mi", 64 << 20),
            ("64mib", 64 << 20),
            ("1.5GiB", 3 << 29),
            ("4KB", 4000),
            ("9007199254740993B", 9_007_199_254_740_993),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MiB", "1.MiB", ".5MiB", "1.2.3", "-1", "4 PiB", "24x", "99999999999TiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
        assert!(format!("0.{}", "1".repeat(60)).parse::<ByteSize>().is_err());
    }

    #[test]
    fn a_size_is_shown_exactly() {
        for text in ["0B", "1B", "1023B", "1KiB", "64MiB", "3GiB", "1025KiB", "5000001B"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn shares_read_back_and_are_taken_exactly() {
        for text in ["60%", "100%", "0.01%", "12.5%", "33.33%"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for text in ["0%", "100.01%", "120%", "-5%", "60", "%", "1.234%"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
        assert_eq!("12.5%".parse::<Share>().unwrap().of(u64::MAX), u64::MAX / 8);
    }
}
