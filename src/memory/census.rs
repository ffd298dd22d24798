//! The census: every byte of the process by type, measured and not estimated.
//!
//! Each type of heap memory has an account, and the allocator reports the bytes of each
//! account. The rest of the resident set is slack of the allocator and memory outside the
//! heap.

use std::{fmt, io};

use super::resident::Resident;
use crate::heap::{self, Account, AccountReading, Readings};

/// What memory of the process is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemoryType {
    /// The table of that name: its entries and the bookkeeping of its store.
    Table(String),
    /// The ingest threads: scratch memory for parsing, and progress of partitions.
    Ingest,
    /// The threads of the Kafka client: mostly fetched records.
    KafkaClient,
    /// The threads that answer calls.
    Rpc,
    /// Any other allocation.
    OtherHeap,
    /// Slack: memory that the allocator holds and from which nothing is allocated. Freed
    /// pages that it has not returned yet, gaps between allocations, its bookkeeping.
    Allocator,
    /// Code, stacks, mapped files.
    OutsideHeap,
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(name) => write!(f, "table {name}"),
            Self::Ingest => f.write_str("ingest"),
            Self::KafkaClient => f.write_str("kafka client"),
            Self::Rpc => f.write_str("rpc"),
            Self::OtherHeap => f.write_str("other heap"),
            Self::Allocator => f.write_str("allocator"),
            Self::OutsideHeap => f.write_str("outside the heap"),
        }
    }
}

/// The bytes of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeBytes {
    /// The type.
    pub memory_type: MemoryType,
    /// The number of bytes.
    pub bytes: u64,
}

/// The memory of the process at one moment.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// The resident set: the sum of the types, less the untouched bytes.
    pub rss_bytes: u64,
    /// Every type, tables first.
    pub types: Vec<TypeBytes>,
    /// Bytes that were allocated and never written to: the system has not provided memory
    /// for them yet. Mostly 0.
    pub untouched_bytes: u64,
    /// The allocator's own figures.
    pub heap: Readings,
}

/// The accounts that the census reports, for threads to adopt and for code to charge.
#[derive(Debug)]
pub struct Accounts {
    /// The ingest threads.
    pub ingest: Account,
    /// The threads that answer calls.
    pub rpc: Account,
    /// All other threads that millpond starts.
    pub other: Account,
    /// The threads that librdkafka starts: they adopt no account.
    kafka: Account,
    /// One for each table, in the order of the configuration.
    tables: Vec<(String, Account)>,
}

impl Accounts {
    /// Opens one account for each type of the heap, and one for each table.
    ///
    /// # Errors
    ///
    /// When the allocator has none left.
    pub fn open<'a>(tables: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let of_table = |name: &str| Ok((name.to_owned(), Account::open()?));
        Ok(Self {
            ingest: Account::open()?,
            rpc: Account::open()?,
            other: Account::open()?,
            kafka: Account::of_unbound_threads(),
            tables: tables.into_iter().map(of_table).collect::<io::Result<_>>()?,
        })
    }

    /// The tables' accounts, in the order of the configuration.
    pub fn tables(&self) -> impl Iterator<Item = &Account> {
        self.tables.iter().map(|(_, account)| account)
    }

    /// Takes a census. Takes some tens of microseconds and blocks no other thread.
    pub fn census(&self) -> Census {
        let ours = [&self.ingest, &self.kafka, &self.rpc];
        let readings = heap::read(self.tables().chain(ours));
        Census::of(Resident::of_this_process(), readings, |readings| self.by_type(readings))
    }

    fn by_type(&self, readings: &[AccountReading]) -> Vec<TypeBytes> {
        let tables = self.tables.iter().map(|(name, _)| MemoryType::Table(name.clone()));
        let ours = [MemoryType::Ingest, MemoryType::KafkaClient, MemoryType::Rpc];
        tables
            .chain(ours)
            .zip(readings)
            .map(|(memory_type, reading)| TypeBytes { memory_type, bytes: reading.allocated_bytes })
            .collect()
    }
}

impl Census {
    /// Adds the rest of the resident set to the types of the heap.
    fn of(
        resident: Resident,
        heap: Readings,
        by_type: impl FnOnce(&[AccountReading]) -> Vec<TypeBytes>,
    ) -> Self {
        let mut types = by_type(&heap.accounts);
        let known_bytes: u64 = types.iter().map(|known| known.bytes).sum();
        // The allocator counts pages as resident that were never written to. The heap is
        // anonymous memory, so the system's count of that bounds it.
        let heap_bytes = heap.resident_bytes.min(resident.anonymous_bytes);
        let allocated_bytes = heap.allocated_bytes.max(known_bytes);
        let rest = [
            (MemoryType::OtherHeap, allocated_bytes - known_bytes),
            (MemoryType::Allocator, heap_bytes.saturating_sub(allocated_bytes)),
            (MemoryType::OutsideHeap, resident.rss_bytes - heap_bytes),
        ];
        types.extend(rest.map(|(memory_type, bytes)| TypeBytes { memory_type, bytes }));
        let untouched_bytes = allocated_bytes.saturating_sub(heap_bytes);
        Self { rss_bytes: resident.rss_bytes, types, untouched_bytes, heap }
    }

    /// The bytes of one type.
    pub fn bytes_of(&self, memory_type: &MemoryType) -> u64 {
        let found = self.types.iter().find(|each| each.memory_type == *memory_type);
        found.map_or(0, |found| found.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn census(rss: u64, anonymous: u64, allocated: u64, resident: u64) -> Census {
        let readings = Readings {
            allocated_bytes: allocated * MIB,
            resident_bytes: resident * MIB,
            ..Readings::default()
        };
        let ingest = TypeBytes { memory_type: MemoryType::Ingest, bytes: 10 * MIB };
        let system = Resident { rss_bytes: rss * MIB, anonymous_bytes: anonymous * MIB };
        Census::of(system, readings, |_| vec![ingest])
    }

    fn assert_adds_up(census: &Census) {
        let sum: u64 = census.types.iter().map(|each| each.bytes).sum();
        assert_eq!(sum - census.untouched_bytes, census.rss_bytes, "{census:?}");
    }

    #[test]
    fn the_types_add_up_to_the_resident_set() {
        let census = census(100, 80, 50, 70);
        assert_adds_up(&census);
        assert_eq!(census.bytes_of(&MemoryType::OtherHeap), 40 * MIB);
        assert_eq!(census.bytes_of(&MemoryType::Allocator), 20 * MIB);
        assert_eq!(census.bytes_of(&MemoryType::OutsideHeap), 30 * MIB);
        assert_eq!(census.untouched_bytes, 0);
    }

    #[test]
    fn the_types_add_up_where_memory_was_allocated_and_never_touched() {
        let census = census(60, 40, 50, 70);
        assert_adds_up(&census);
        assert_eq!(census.untouched_bytes, 10 * MIB);
    }

    #[test]
    fn the_census_of_this_process_adds_up() {
        let accounts = Accounts::open(["services"]).unwrap();
        let kept = accounts.tables[0].1.charge(|| vec![1_u8; 5 << 20]);
        let census = accounts.census();
        assert_adds_up(&census);
        assert_eq!(census.bytes_of(&MemoryType::Table("services".into())) / MIB, 5);
        drop(kept);
    }
}
