//! `kafka.fetch_buffer`: a size, or one that fits the memory limit.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::size::ByteSize;

/// The memory that librdkafka's fetch buffers may take, over all threads together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchBuffer {
    /// A twelfth of the memory limit, and at least 14 MiB and at most 96 MiB: this much under the limit
    /// for which the configuration is sized, and the least before that. It is written `auto` in any case.
    Auto(ByteSize),
    /// This size.
    Bytes(ByteSize),
}

/// With less, two threads would wait for fetches most of the time: librdkafka takes four times a
/// megabyte for each of the three clients that they may have at once.
const SMALLEST: ByteSize = ByteSize::mib(14);
/// More does not fill the cores or the network any better.
const LARGEST: ByteSize = ByteSize::mib(96);
/// The memory limit is divided by this.
const DIVISOR: u64 = 12;

impl FetchBuffer {
    const LEAST: ByteSize = ByteSize::mib(4);
    const MOST: ByteSize = ByteSize::mib(1024);

    /// The same under a memory limit of so many bytes.
    #[must_use]
    pub fn within(self, limit_bytes: u64) -> Self {
        match self {
            Self::Auto(_) => {
                let share = ByteSize::bytes(limit_bytes / DIVISOR);
                Self::Auto(share.clamp(SMALLEST, LARGEST))
            }
            Self::Bytes(_) => self,
        }
    }

    /// The size in bytes.
    pub fn as_u64(self) -> u64 {
        let (Self::Auto(size) | Self::Bytes(size)) = self;
        size.as_u64()
    }
}

impl FromStr for FetchBuffer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto(SMALLEST)),
            size => match size.parse::<ByteSize>()? {
                size if size < Self::LEAST => Err("too little".into()),
                size if size > Self::MOST => Err("too much".into()),
                size => Ok(Self::Bytes(size)),
            },
        }
    }
}

impl fmt::Display for FetchBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto(_) => f.write_str("auto"),
            Self::Bytes(size) => size.fmt(f),
        }
    }
}

impl Serialize for FetchBuffer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_a_share_of_the_limit_within_bounds() {
        let auto: FetchBuffer = "auto".parse().unwrap();
        let of = |mib: u64| auto.within(mib << 20).as_u64() >> 20;
        assert_eq!([64, 168, 300, 1024, 8192].map(of), [14, 14, 25, 85, 96]);
        assert_eq!(auto.within(1 << 30).to_string(), "auto");
    }

    #[test]
    fn a_size_is_the_same_under_any_limit() {
        let size: FetchBuffer = "8MiB".parse().unwrap();
        assert_eq!(size.within(1 << 40), size);
        assert_eq!(size.to_string(), "8MiB");
        for (text, fault) in [("1MiB", "too little"), ("2GiB", "too much")] {
            assert_eq!(text.parse::<FetchBuffer>().unwrap_err(), fault);
        }
    }
}
