//! The report of a reclaim: how much memory is live, how much was slack, and which type
//! holds more than it should.
//!
//! Compares a census from before the reclaim with one from after it, and the second one
//! with the bytes that each type is expected to hold. Whoever runs the reclaim takes the
//! censuses and knows the expected bytes.

use std::fmt;

use super::census::{Census, MemoryType};
use super::mib::Mib;

/// The bytes that a type of memory is expected to hold at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedBytes {
    /// The type.
    pub memory_type: MemoryType,
    /// The weight of a table's entries, or the reserve of another type.
    pub bytes: u64,
}

/// One finding of a reclaim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The type holds no more than expected.
    Live {
        /// The type.
        memory_type: MemoryType,
        /// The bytes that it holds.
        bytes: u64,
        /// The bytes that it is expected to hold.
        expected_bytes: u64,
    },
    /// Memory of the allocator from which nothing is allocated.
    Slack {
        /// The bytes that the process returned to the system.
        released_bytes: u64,
        /// The bytes that the allocator still holds.
        left_bytes: u64,
    },
    /// The type holds more than expected.
    Unexplained {
        /// The type.
        memory_type: MemoryType,
        /// The bytes that it holds.
        bytes: u64,
        /// The bytes that it is expected to hold.
        expected_bytes: u64,
    },
}

/// All findings of a reclaim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReclaimReport {
    /// The unexplained types, then the live ones, then the slack.
    pub findings: Vec<Finding>,
}

impl ReclaimReport {
    /// Compares the censuses from before and after a reclaim, and the second one with what
    /// is expected.
    pub fn compare(before: &Census, after: &Census, expected: &[ExpectedBytes]) -> Self {
        let slack = Finding::Slack {
            released_bytes: before.rss_bytes.saturating_sub(after.rss_bytes),
            left_bytes: after.bytes_of(&MemoryType::Allocator),
        };
        let (unexplained, live): (Vec<_>, Vec<_>) =
            Finding::of_types(after, expected).partition(Finding::is_unexplained);
        Self { findings: unexplained.into_iter().chain(live).chain([slack]).collect() }
    }

    /// Whether any type holds more than expected.
    pub fn has_unexplained(&self) -> bool {
        self.findings.iter().any(Finding::is_unexplained)
    }
}

impl Finding {
    /// The types that hold more than is expected of them.
    pub fn unexplained(census: &Census, expected: &[ExpectedBytes]) -> Vec<Self> {
        Self::of_types(census, expected).filter(Self::is_unexplained).collect()
    }

    fn of_types(census: &Census, expected: &[ExpectedBytes]) -> impl Iterator<Item = Self> {
        expected.iter().map(|expected| {
            let bytes = census.bytes_of(&expected.memory_type);
            Self::of(expected.memory_type.clone(), bytes, expected.bytes)
        })
    }

    fn of(memory_type: MemoryType, bytes: u64, expected_bytes: u64) -> Self {
        /// The weight of a table's entries is exact to within 5 %.
        const TOLERANCE_DIVISOR: u64 = 20;
        /// Each type has some fixed costs.
        const TOLERANCE_BYTES: u64 = 2 << 20;
        let tolerance_bytes = expected_bytes / TOLERANCE_DIVISOR + TOLERANCE_BYTES;
        if bytes <= expected_bytes + tolerance_bytes {
            Self::Live { memory_type, bytes, expected_bytes }
        } else {
            Self::Unexplained { memory_type, bytes, expected_bytes }
        }
    }

    fn is_unexplained(&self) -> bool {
        matches!(self, Self::Unexplained { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live { memory_type, bytes, .. } => {
                write!(f, "{memory_type}: {} in use and accounted for", Mib(*bytes))
            }
            Self::Slack { released_bytes, left_bytes } => {
                let (released, left) = (Mib(*released_bytes), Mib(*left_bytes));
                write!(
                    f,
                    "slack: {released} returned to the system, {left} left in gaps and bookkeeping"
                )
            }
            Self::Unexplained { memory_type, bytes, expected_bytes } => write!(
                f,
                "{memory_type}: {} unexplained, {} in use and {} accounted for; {}",
                Mib(bytes - expected_bytes),
                Mib(*bytes),
                Mib(*expected_bytes),
                where_to_look(memory_type)
            ),
        }
    }
}

fn where_to_look(memory_type: &MemoryType) -> &'static str {
    match memory_type {
        MemoryType::Table(_) => {
            "something holds entries that have left the table: look for copies of entries, and \
             for responses that their callers do not read"
        }
        MemoryType::Ingest => {
            "parsing holds more than its reserve: look at ingest.max_document and the \
             number of partitions"
        }
        MemoryType::KafkaClient => {
            "fetched records hold more than kafka.fetch_buffer: look at kafka.properties, and \
             for a record that is kept after it was handled"
        }
        MemoryType::Rpc => {
            "calls hold more than the budget has for them: look at the number of connections and \
             of streams"
        }
        MemoryType::OtherHeap | MemoryType::Allocator | MemoryType::OutsideHeap => {
            "take a heap profile of the running process"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Readings;
    use crate::memory::TypeBytes;

    const MIB: u64 = 1 << 20;

    fn services() -> MemoryType {
        MemoryType::Table("services".into())
    }

    fn census(table: u64, ingest: u64, allocator: u64) -> Census {
        let types =
            [(services(), table), (MemoryType::Ingest, ingest), (MemoryType::Allocator, allocator)];
        let types = types.map(|(memory_type, mib)| TypeBytes { memory_type, bytes: mib * MIB });
        Census {
            rss_bytes: (table + ingest + allocator) * MIB,
            types: types.into(),
            untouched_bytes: 0,
            heap: Readings::default(),
        }
    }

    fn report(before: &Census, after: &Census) -> ReclaimReport {
        let expected = [(MemoryType::Ingest, 8), (services(), 100)]
            .map(|(memory_type, mib)| ExpectedBytes { memory_type, bytes: mib * MIB });
        ReclaimReport::compare(before, after, &expected)
    }

    #[test]
    fn expected_bytes_are_live_and_returned_bytes_were_slack() {
        let report = report(&census(104, 9, 60), &census(103, 3, 10));
        assert!(!report.has_unexplained());
        let texts: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        assert_eq!(texts[0], "ingest: 3.0 MiB in use and accounted for");
        assert_eq!(texts[1], "table services: 103.0 MiB in use and accounted for");
        assert_eq!(
            texts[2],
            "slack: 57.0 MiB returned to the system, 10.0 MiB left in gaps and bookkeeping"
        );
    }

    #[test]
    fn a_table_that_holds_more_than_its_entries_weigh_comes_first() {
        let report = report(&census(140, 3, 10), &census(140, 3, 10));
        assert!(report.has_unexplained());
        let text = report.findings[0].to_string();
        assert!(text.starts_with("table services: 40.0 MiB unexplained"), "{text}");
    }

    #[test]
    fn what_is_unexplained_shows_without_a_reclaim() {
        let expected = [ExpectedBytes { memory_type: services(), bytes: 100 * MIB }];
        assert!(Finding::unexplained(&census(104, 9, 60), &expected).is_empty());
        let found = Finding::unexplained(&census(140, 9, 60), &expected);
        let [Finding::Unexplained { memory_type, bytes, .. }] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!((memory_type, *bytes), (&services(), 140 * MIB));
    }
}
