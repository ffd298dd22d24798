//! A table of the configured store that is really filled, to measure what an entry takes.
//!
//! It is filled twice: with each key once, and then with records that replace entries in no order.
//! A store may take more for an entry after that.

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::thread_cpu::ThreadCpu;
use super::varied_record::Variation;
use crate::app::table_sources::source;
use crate::clock::Clock;
use crate::config;
use crate::heap::{self, Account};
use crate::record::{Record, Timestamp};
use crate::table::{MAX_ENTRY_BYTES, Removal, Table};

/// About how many bytes of entries are stored.
const TARGET_BYTES: u64 = 32 << 20;
const MIN_ENTRIES: u64 = 64;
/// The time to live of the table, or its own if that is more: nothing may expire meanwhile.
const MIN_TTL: Duration = Duration::from_secs(3_600);
/// How often the table is made larger if it was too small for its entries.
const ATTEMPTS: u32 = 5;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct FilledTable {
    /// How many entries were stored.
    pub(super) entries: u64,
    /// The mean of their keys and fields, in bytes.
    pub(super) plucked_bytes: u64,
    /// What the largest weighs, in bytes.
    pub(super) largest_bytes: u64,
    /// With each key stored once.
    pub(super) loaded: BytesOfEntry,
    /// After as many records that replaced an entry.
    pub(super) replaced: BytesOfEntry,
    /// CPU time to replace an entry, in nanoseconds.
    pub(super) store_nanos: u64,
    /// CPU time to find an entry, in nanoseconds.
    pub(super) get_nanos: u64,
}

/// What an entry takes, in bytes: the mean, without what the table takes when it is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct BytesOfEntry {
    /// By the table's weight.
    pub(super) weight_bytes_of_entry: u64,
    /// By the allocator.
    pub(super) measured_bytes_of_entry: u64,
}

impl FilledTable {
    /// Fills a table with variations of these records, of which there is at least one: with
    /// `entries` of them, or with as many as are enough to measure.
    ///
    /// # Errors
    ///
    /// When the allocator has no account left.
    pub(super) fn fill(
        config: &config::Table,
        records: &[Record],
        entries: u64,
        clock: &Clock,
    ) -> io::Result<Self> {
        let mut config = config.clone();
        let record_ttl = config.life.ttl;
        config.life.ttl = record_ttl.max(MIN_TTL);
        let account = Account::open()?;
        let [mean_bytes, largest_bytes] = weights(&config, records, &account, clock);
        let entries = entries.min((TARGET_BYTES / mean_bytes.max(1)).max(MIN_ENTRIES)).max(1);
        let mut capacity_bytes = entries * mean_bytes * 5 / 4 + 17 * largest_bytes + (2 << 20);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let table = source(&config, capacity_bytes, &account, clock).table;
            let now = table.now();
            let ttls = [record_ttl, config.life.ttl];
            let variation = Variation::new(table.ranked_by(), ttls, entries, now);
            let filling = Filling { table, account: &account, records, entries, variation, now };
            let filled = filling.run(largest_bytes);
            if filled.is_some() || attempts == ATTEMPTS {
                return filled.ok_or_else(|| io::Error::other("the entries do not fit a table"));
            }
            capacity_bytes += capacity_bytes / 4;
        }
    }
}

/// What one of the records weighs, in the mean and at most.
fn weights(
    config: &config::Table,
    records: &[Record],
    account: &Account,
    clock: &Clock,
) -> [u64; 2] {
    let table = source(config, 32 * MAX_ENTRY_BYTES, account, clock).table;
    let now = table.now();
    let (mut sum, mut largest) = (0, 0);
    for record in records {
        table.insert(record.draft(), now);
        // An entry that has expired by now weighs what it would weigh.
        let described = table.describe(&record.key, Timestamp::from_millis(i64::MIN));
        let weight_bytes = described.map_or(0, |described| described.weight_bytes());
        sum += weight_bytes;
        largest = largest.max(weight_bytes);
    }
    [sum / records.len().max(1) as u64, largest]
}

struct Filling<'a> {
    table: Arc<Table>,
    account: &'a Account,
    records: &'a [Record],
    entries: u64,
    variation: Variation,
    now: Timestamp,
}

impl Filling<'_> {
    /// None if the table was too small.
    fn run(&self, largest_bytes: u64) -> Option<FilledTable> {
        let empty = self.bytes();
        (0..self.entries).for_each(|number| self.store(number, false));
        let loaded = self.bytes_of_entry(empty);
        let store_nanos = self.replace_nanos();
        let replaced = self.bytes_of_entry(empty);
        let stats = self.table.stats();
        let evicted = stats.removals.count(Removal::Evicted);
        (evicted == 0 && stats.entry_count == self.entries).then(|| FilledTable {
            entries: self.entries,
            plucked_bytes: stats.plucked_bytes.checked_div(stats.stored_count).unwrap_or(0),
            largest_bytes,
            loaded,
            replaced,
            store_nanos,
            get_nanos: self.get_nanos(),
        })
    }

    fn store(&self, number: u64, is_new: bool) {
        self.table.insert(self.varied(number, is_new).draft(), self.now);
    }

    fn varied(&self, number: u64, is_new: bool) -> Record {
        let index = usize::try_from(number % self.records.len() as u64).unwrap_or(0);
        self.variation.of(&self.records[index], number, is_new)
    }

    fn replace_nanos(&self) -> u64 {
        let all = self.nanos(|number| self.store(number, true));
        let varying = self.nanos(|number| {
            black_box(self.varied(number, true));
        });
        all.saturating_sub(varying)
    }

    fn get_nanos(&self) -> u64 {
        let all = self.nanos(|number| {
            let key = self.varied(number, false).key;
            black_box(self.table.peek(key.as_str(), self.now, |entry| entry.fields.packed_bytes()));
        });
        let varying = self.nanos(|number| {
            black_box(self.varied(number, false));
        });
        all.saturating_sub(varying)
    }

    /// The CPU time for one of as many numbers as there are entries, in no order.
    fn nanos(&self, work: impl Fn(u64)) -> u64 {
        let mut random = fastrand::Rng::with_seed(7);
        let cpu = ThreadCpu::start();
        (0..self.entries).for_each(|_| work(random.u64(0..self.entries)));
        let nanos = u64::try_from(cpu.elapsed().as_nanos()).unwrap_or(u64::MAX);
        nanos / self.entries
    }

    fn bytes_of_entry(&self, empty: [u64; 2]) -> BytesOfEntry {
        let bytes = self.bytes();
        let [weight_bytes_of_entry, measured_bytes_of_entry] =
            [0, 1].map(|at: usize| bytes[at].saturating_sub(empty[at]) / self.entries);
        BytesOfEntry { weight_bytes_of_entry, measured_bytes_of_entry }
    }

    /// Maintains the table until that changes nothing more, as a service does where nobody writes. The
    /// first turn only takes note of the writes before it.
    fn settle(&self) {
        self.table.maintain();
        let mut before = None;
        while before != Some(self.table.weight_bytes()) {
            before = Some(self.table.weight_bytes());
            self.table.maintain();
        }
    }

    /// What the table weighs, and what the allocator says that it takes.
    fn bytes(&self) -> [u64; 2] {
        self.settle();
        let readings = heap::read([self.account]);
        let measured_bytes = readings.accounts.first().map_or(0, |account| account.allocated_bytes);
        [self.table.weight_bytes(), measured_bytes]
    }
}
