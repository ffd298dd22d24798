//! Where the process's memory is and how much of it there may be.
//!
//! Reads what the system and the allocator say and does the sums; knows neither tables
//! nor the stream. Sizes are in bytes.

mod budget;
mod census;
mod limit;
mod pressure;
mod resident;
mod usage;
mod verdict;

pub use budget::{Budget, Line, Needs, OverBudget};
pub use census::{Accounts, Census, MemoryType, TypeBytes};
pub use limit::{Limit, LimitSource};
pub use pressure::{Pressure, Stage};
pub use resident::rss_bytes;
pub use usage::Usage;
pub use verdict::{Explained, Finding, Verdict};

use std::fmt;

/// A number of bytes in MiB, with a tenth.
struct Mib(u64);

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = u128::from(self.0) * 10 / (1 << 20);
        f.pad(&format!("{}.{} MiB", tenths / 10, tenths % 10))
    }
}
