//! Bytes as people read them in this module's texts.

use std::fmt;

/// A number of bytes, shown in MiB with one decimal.
pub(super) struct Mib(pub(super) u64);

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = u128::from(self.0) * 10 / (1 << 20);
        f.pad(&format!("{}.{} MiB", tenths / 10, tenths % 10))
    }
}
