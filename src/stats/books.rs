//! Whether the counters balance.

/// What checking the books has shown since the service was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BooksStats {
    /// How often a partition or a table was found whose books had ceased to balance.
    pub mismatch_count: u64,
}
