//! What a reclaim shows: what is live data, what was slack, what nobody can explain.
//!
//! A census before and one after, beside what each type is accounted for with. Whatever
//! is still there after everything was asked to let go, and is more than its owner can
//! account for, is named.

use std::fmt;

use super::Mib;
use super::census::{Census, MemoryType};

/// What accounts for a type of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The type.
    pub memory_type: MemoryType,
    /// The bytes that are accounted for: what its entries weigh, or what is set aside.
    pub bytes: u64,
}

/// One thing that a reclaim shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is in use, and accounted for.
    Live {
        /// The type.
        memory_type: MemoryType,
        /// What it holds, in bytes.
        bytes: u64,
    },
    /// Nothing was allocated from it.
    Slack {
        /// What the process gave back, in bytes.
        released_bytes: u64,
        /// What the allocator still holds, in bytes.
        left_bytes: u64,
    },
    /// It holds more than it can account for.
    Unexplained {
        /// The type.
        memory_type: MemoryType,
        /// What it holds, in bytes.
        bytes: u64,
        /// What accounts for a part of it, in bytes.
        explained_bytes: u64,
    },
}

/// All that a reclaim shows, by type; what is unexplained comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// One for each type that something is known of, and one for the slack.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Compares two censuses and what accounts for the second.
    pub fn of(before: &Census, after: &Census, explained: &[Explained]) -> Self {
        let slack = Finding::Slack {
            released_bytes: before.rss_bytes.saturating_sub(after.rss_bytes),
            left_bytes: after.bytes_of(&MemoryType::Allocator),
        };
        let of_type = |explained: &Explained| {
            let bytes = after.bytes_of(&explained.memory_type);
            Finding::of(explained.memory_type.clone(), bytes, explained.bytes)
        };
        let (unexplained, live): (Vec<_>, Vec<_>) =
            explained.iter().map(of_type).partition(Finding::is_unexplained);
        Self { findings: unexplained.into_iter().chain(live).chain([slack]).collect() }
    }

    /// Whether every type can account for what it holds.
    pub fn explains_all(&self) -> bool {
        !self.findings.iter().any(Finding::is_unexplained)
    }
}

impl Finding {
    fn of(memory_type: MemoryType, bytes: u64, explained_bytes: u64) -> Self {
        /// Weights are true to within 5 %, and small types have their fixed costs.
        const TOLERANCE_PART: u64 = 20;
        const TOLERANCE_BYTES: u64 = 2 << 20;
        let tolerated_bytes = explained_bytes + explained_bytes / TOLERANCE_PART + TOLERANCE_BYTES;
        if bytes <= tolerated_bytes {
            Self::Live { memory_type, bytes }
        } else {
            Self::Unexplained { memory_type, bytes, explained_bytes }
        }
    }

    fn is_unexplained(&self) -> bool {
        matches!(self, Self::Unexplained { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live { memory_type, bytes } => {
                write!(f, "{memory_type}: {} in use and accounted for", Mib(*bytes))
            }
            Self::Slack { released_bytes, left_bytes } => {
                let (released, left) = (Mib(*released_bytes), Mib(*left_bytes));
                write!(f, "slack: {released} given back, {left} left in gaps and bookkeeping")
            }
            Self::Unexplained { memory_type, bytes, explained_bytes } => write!(
                f,
                "{memory_type}: {} unexplained, {} in use and {} accounted for; {}",
                Mib(bytes - explained_bytes),
                Mib(*bytes),
                Mib(*explained_bytes),
                where_to_look(memory_type)
            ),
        }
    }
}

fn where_to_look(memory_type: &MemoryType) -> &'static str {
    match memory_type {
        MemoryType::Table(_) => {
            "something holds entries that have left the table: look at who keeps a copy of an \
             entry, and at answers that their callers do not read"
        }
        MemoryType::Ingest => {
            "parsing holds more than is set aside for it: look at ingest.max_document and the \
             number of partitions"
        }
        MemoryType::KafkaClient => {
            "fetched records hold more than kafka.fetch_buffer: look at kafka.properties, and for a \
             record that is kept after its turn"
        }
        MemoryType::Rpc => {
            "calls hold more than rpc.buffer: look at the number of connections and the \
             size of requests"
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

    fn verdict(before: &Census, after: &Census) -> Verdict {
        let explained = [(MemoryType::Ingest, 8), (services(), 100)];
        let explained =
            explained.map(|(memory_type, mib)| Explained { memory_type, bytes: mib * MIB });
        Verdict::of(before, after, &explained)
    }

    #[test]
    fn what_is_accounted_for_is_live_and_what_was_given_back_was_slack() {
        let verdict = verdict(&census(104, 9, 60), &census(103, 3, 10));
        assert!(verdict.explains_all());
        let texts: Vec<_> = verdict.findings.iter().map(ToString::to_string).collect();
        assert_eq!(texts[0], "ingest: 3.0 MiB in use and accounted for");
        assert_eq!(texts[1], "table services: 103.0 MiB in use and accounted for");
        assert_eq!(texts[2], "slack: 57.0 MiB given back, 10.0 MiB left in gaps and bookkeeping");
    }

    #[test]
    fn a_table_that_holds_more_than_its_entries_weigh_is_named_first() {
        let verdict = verdict(&census(140, 3, 10), &census(140, 3, 10));
        assert!(!verdict.explains_all());
        let text = verdict.findings[0].to_string();
        assert!(text.starts_with("table services: 40.0 MiB unexplained"), "{text}");
    }
}
