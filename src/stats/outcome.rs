//! What becomes of a record: the closed list of outcomes, each with a counter.

use crate::record::Reject;

/// The outcome of a record. Each record that is polled has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Stored under a key that had no live entry.
    Stored,
    /// Stored in place of the live entry under its key.
    Replaced,
    /// Deleted the entry of its key: a tombstone, or a record for which `delete_when` holds.
    Deleted,
    /// The same, and its key had no live entry.
    DeletedNothing,
    /// Past its time to live when it came: the older entry of its key was removed.
    ExpiredOnArrival,
    /// Older than the newest record of its key that was handled before. It changed nothing.
    Superseded,
    /// Ignored, because `only_when` does not hold for it.
    Filtered,
    /// Could not be stored.
    Rejected(Reject),
}

impl Outcome {
    /// The number of outcomes.
    pub const COUNT: usize = 7 + Reject::ALL.len();

    /// Every outcome, each at its [`Self::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::Stored,
            Self::Replaced,
            Self::Deleted,
            Self::DeletedNothing,
            Self::ExpiredOnArrival,
            Self::Superseded,
            Self::Filtered,
        ];
        others.into_iter().chain(Reject::ALL.into_iter().map(Self::Rejected))
    }

    /// The index of its counter among [`Self::COUNT`].
    pub fn index(self) -> usize {
        match self {
            Self::Stored => 0,
            Self::Replaced => 1,
            Self::Deleted => 2,
            Self::DeletedNothing => 3,
            Self::ExpiredOnArrival => 4,
            Self::Superseded => 5,
            Self::Filtered => 6,
            Self::Rejected(reject) => 7 + reject as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_counter_of_its_own() {
        let indexes: Vec<_> = Outcome::all().map(Outcome::index).collect();
        assert_eq!(indexes, (0..Outcome::COUNT).collect::<Vec<_>>());
    }
}
