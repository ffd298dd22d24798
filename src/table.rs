//! One bounded, expiring table: get, insert, remove over a store.
//!
//! A table copies the [`Draft`]s that it is lent. It holds no more than its capacity in real
//! bytes, evicts older entries to admit the newest record, and never returns an expired entry.
//! A store, of any kind, holds the entries. The table does what is alike for all stores: it
//! charges memory to the table's account, reads its clock, removes what a record that is too large
//! supersedes, and counts lookups. It knows nothing of Kafka, JSON or gRPC.
//!
//! No borrow of a message can stay in a table, since neither a table nor its store has a
//! lifetime. A lookup lends its entry for the length of a call. To keep the loan does not
//! compile,
//!
//! ```compile_fail,E0521
//! # use millpond::record::Timestamp;
//! # use millpond::table::Table;
//! fn keep(table: &Table) {
//!     let mut kept = None;
//!     table.get("key", Timestamp::now(), |entry| kept = Some(entry));
//! }
//! ```
//!
//! to keep a copy does:
//!
//! ```
//! # use millpond::record::Timestamp;
//! # use millpond::table::Table;
//! fn keep(table: &Table) {
//!     let mut kept = None;
//!     table.get("key", Timestamp::now(), |entry| kept = Some(entry.copy()));
//! }
//! ```

mod changes;
mod compact_store;
mod counts;
mod evictions;
mod ghosts;
mod largest;
mod limits;
mod lookup_counts;
mod maintenance;
mod miss_reason;
mod moka_store;
mod quota;
mod scan;
mod store;
mod weight;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

pub use changes::{Change, ChangeKind, ChangeReader, Changes, Overtaken};
pub use counts::{Removal, Removals};
pub use largest::{DescribedEntry, LargestEntries};
pub use lookup_counts::{LookupCounts, MissKind};
pub use maintenance::Maintenance;
pub use miss_reason::{Ghost, GhostCause, MissReason};
pub use scan::{ScanPart, ScanPosition};
pub use store::{Inserted, Removed};
pub use weight::{MAX_ENTRY_BYTES, MIN_CAPACITY_BYTES, WeightParts, max_entry_bytes};

use crate::clock::Clock;
use crate::config;
use crate::heap::Account;
use crate::record::{Draft, EntryView, Key, RankedBy, Timestamp};
use changes::ChangeLog;
use compact_store::CompactStore;
use ghosts::GhostEntries;
use lookup_counts::LookupCounters;
use moka_store::MokaStore;
use store::Store;

/// How a table is configured.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name, by which callers ask for it.
    pub name: String,
    /// The names of its fields, in the order in which entries hold their values.
    pub fields: Vec<Box<str>>,
    /// How long an entry lives.
    pub ttl: Duration,
    /// What decides which of two records of a key is newer.
    pub ranked_by: RankedBy,
    /// What the table may weigh, in bytes: its entries, its ghost entries and what its store
    /// takes without any entry. At least [`MIN_CAPACITY_BYTES`].
    pub capacity_bytes: u64,
    /// The kind of store that holds the entries.
    pub store: config::Store,
    /// How many bytes of changes are kept for those who watch, beside the capacity.
    pub changes_bytes: usize,
    /// The account that the table's memory is charged to.
    pub account: Account,
    /// The clock that the lives of its entries are counted with.
    pub clock: Clock,
}

/// A bounded, expiring map from key to entry. Share it between threads by reference.
#[derive(Debug)]
pub struct Table {
    spec: Spec,
    changes: Arc<ChangeLog>,
    store: Box<dyn Store>,
    lookups: LookupCounters,
    newest_millis: AtomicI64,
}

/// The newest record time before the first record.
const NONE_YET: i64 = i64::MIN;

impl Table {
    /// How many keys [`Self::prefetch`] takes.
    pub const LOOKAHEAD: usize = store::LOOKAHEAD;

    /// An empty table. It allocates memory as entries come, but that for ghost entries at once.
    pub fn new(spec: Spec) -> Self {
        let changes = Arc::new(ChangeLog::new(spec.changes_bytes));
        Self {
            store: spec.account.charge(|| new_store(&spec, Arc::clone(&changes))),
            changes,
            spec,
            lookups: LookupCounters::default(),
            newest_millis: AtomicI64::new(NONE_YET),
        }
    }

    /// An empty table that is configured as this one.
    #[must_use]
    pub fn empty_copy(&self) -> Self {
        Self::new(self.spec.clone())
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The names of the fields, in the order of an entry's values.
    pub fn fields(&self) -> &[Box<str>] {
        &self.spec.fields
    }

    /// What decides which of two records of a key is newer.
    pub fn ranked_by(&self) -> RankedBy {
        self.spec.ranked_by
    }

    /// The account that the table's memory is charged to.
    pub fn account(&self) -> &Account {
        &self.spec.account
    }

    /// The time by the table's clock.
    pub fn now(&self) -> Timestamp {
        self.spec.clock.now()
    }

    /// What the clocks of other machines show when the table's shows `now`.
    pub fn elsewhere(&self, now: Timestamp) -> Timestamp {
        self.spec.clock.elsewhere(now)
    }

    /// Shows the entry of `key` that is live at `now`, if there is one. Counts a hit or a miss.
    pub fn get<T>(
        &self,
        key: &str,
        now: Timestamp,
        visit: impl FnOnce(EntryView<'_>) -> T,
    ) -> Option<T> {
        let visited = self.peek(key, now, visit);
        let mut counts = LookupCounts::default();
        counts.count(visited.is_none().then(|| self.miss_reason(key, now).into()));
        self.count_lookups(&counts);
        visited
    }

    /// Like [`Self::get`], but counts nothing: for a caller that counts many lookups at once or
    /// repeats one. Writers of this key and of some others may wait until `visit` returns.
    pub fn peek<T>(
        &self,
        key: &str,
        now: Timestamp,
        visit: impl FnOnce(EntryView<'_>) -> T,
    ) -> Option<T> {
        let (mut visit, mut visited) = (Some(visit), None);
        self.store.read(key, &mut |entry| {
            if !entry.is_expired(now) {
                visited = visit.take().map(|visit| visit(entry));
            }
        });
        visited
    }

    /// Prepares for a [`Self::peek`] at each of the next [`Self::LOOKAHEAD`] keys: loads what
    /// they lead to from memory all at once, not one after the other. Takes no more keys.
    pub fn prefetch<'k>(&self, mut keys: impl Iterator<Item = &'k str>) {
        self.store.prefetch(&mut keys);
    }

    /// The same for an [`Self::insert`] or a [`Self::remove`] at each of these keys.
    pub fn prefetch_for_changes<'k>(&self, mut keys: impl Iterator<Item = &'k str>) {
        self.store.prefetch_for_changes(&mut keys);
    }

    /// Counts lookups that were made by [`Self::peek`].
    pub fn count_lookups(&self, counts: &LookupCounts) {
        self.lookups.add(counts);
    }

    /// Why `key` has no live entry at `now`. Ask it of a key for which a lookup just found none.
    pub fn miss_reason(&self, key: &str, now: Timestamp) -> MissReason {
        self.charge(|| self.store.miss_reason(key, now))
    }

    /// The live entry of `key` at `now`, without its fields. Counts nothing.
    pub fn describe(&self, key: &Key, now: Timestamp) -> Option<DescribedEntry> {
        self.peek(key.as_str(), now, |entry| {
            let parts = self.store.weigh(key.as_str(), &entry);
            DescribedEntry::new(key.clone(), parts, &entry)
        })
    }

    /// The `count` largest live entries of those that come after `after`, a weight and a key.
    ///
    /// Walks the whole table, some millions of entries a second, and holds no more than
    /// the page. Lookups and writes go on; the walk may or may not see their changes.
    pub fn largest(
        &self,
        count: usize,
        after: Option<(u64, &str)>,
        now: Timestamp,
    ) -> LargestEntries {
        LargestEntries::of(&*self.store, count, after, now)
    }

    /// The next part of a scan: where the keys that begin with `prefix` and have a live entry are,
    /// after a position or from the beginning.
    ///
    /// Walks a part of the table or the whole of it, some millions of entries a second.
    pub fn scan_part(&self, after: Option<ScanPosition>, prefix: &str) -> ScanPart {
        let now = self.now();
        let is_wanted = |key: &str, entry: EntryView<'_>| {
            key.as_bytes().starts_with(prefix.as_bytes()) && !entry.is_expired(now)
        };
        self.store.scan_part(after, &is_wanted)
    }

    /// Shows the entries at a position that are live at `now` and whose keys begin with `prefix`:
    /// one, most often, or none. Counts nothing. Writers of these keys and of some others may wait
    /// until `visit` returns.
    pub fn read_at(
        &self,
        position: ScanPosition,
        prefix: &str,
        now: Timestamp,
        mut visit: impl FnMut(&str, EntryView<'_>),
    ) {
        self.store.read_at(position, &mut |key, entry| {
            if key.as_bytes().starts_with(prefix.as_bytes()) && !entry.is_expired(now) {
                visit(key, entry);
            }
        });
    }

    /// Reads the changes of the table that are made from now on. All earlier ones are visible.
    pub fn watch(&self) -> ChangeReader {
        ChangeLog::watch(&self.changes, || self.store.wait_for_writers())
    }

    /// Tells this table from all others, in this process and in others: drawn when it was made.
    pub fn instance(&self) -> u64 {
        // The hash key is drawn for each table.
        self.store.ghosts().hash("").as_u64()
    }

    /// Stores a copy of a record that arrives at `now`, unless a newer record of its key was
    /// handled before. Readers see it as soon as this returns. When the table is full, older
    /// entries leave first and the caller waits for that.
    pub fn insert(&self, draft: Draft<'_>, now: Timestamp) -> Inserted {
        let entry = draft.entry();
        let inserted = self.charge(|| {
            let inserted = if draft.is_oversized() {
                Inserted::TooLarge
            } else {
                self.store.insert(&draft, now)
            };
            if inserted == Inserted::TooLarge {
                let ghost = Ghost::deleted_by(entry.recency());
                if self.store.remove(draft.key(), ghost, now) == Removed::Superseded {
                    return Inserted::Superseded;
                }
            }
            inserted
        });
        if matches!(inserted, Inserted::New | Inserted::Replaced) {
            self.observe_time(entry.origin.time.min(now));
        }
        inserted
    }

    fn observe_time(&self, time: Timestamp) {
        // Most often another record was as new, and then nothing is written.
        if time.as_millis() > self.newest_millis.load(Ordering::Relaxed) {
            self.newest_millis.fetch_max(time.as_millis(), Ordering::Relaxed);
        }
    }

    /// Removes the entry of `key`, if there is one, and remembers why there is none, unless a
    /// newer record of the key than the ghost's was handled before.
    pub fn remove(&self, key: &str, ghost: Ghost) -> Removed {
        let now = self.now();
        self.charge(|| self.store.remove(key, ghost, now))
    }

    /// Removes all that came from a partition and forgets it: its topic was recreated, so offsets
    /// start again and what was newer says nothing of the new records.
    pub fn remove_partition(&self, partition: i32) {
        let now = self.now();
        self.store.evictions().forget_partition(partition);
        self.charge(|| self.store.remove_partition(partition, now));
    }

    /// Takes the partitions among these of which entries were evicted while memory was short, each
    /// with the lowest offset of what was evicted. None while memory is still short: before the
    /// limit is back at the capacity, the entries would not fit again.
    pub fn take_lost(&self, is_wanted: impl Fn(i32) -> bool) -> Vec<(i32, i64)> {
        if self.store.quota().is_lowered() {
            return Vec::new();
        }
        self.store.evictions().take_lost(is_wanted)
    }

    /// Removes expired entries and does what reads and writes put off.
    pub fn maintain(&self) {
        let now = self.now();
        self.charge(|| self.store.maintain(now));
        self.changes.end_unwatched();
    }

    /// How many entries the store holds, without a look at what it counted. Slow: it first does
    /// what reads and writes put off.
    pub fn held_count(&self) -> u64 {
        self.charge(|| self.store.held_count())
    }

    /// What the table weighs, in bytes. Takes no lock.
    pub fn weight_bytes(&self) -> u64 {
        self.store.quota().weight_bytes()
    }

    /// What the table may weigh while memory is not short, in bytes. Takes no lock.
    pub fn capacity_bytes(&self) -> u64 {
        self.store.quota().capacity_bytes()
    }

    /// What the table may weigh at the moment, in bytes. Takes no lock.
    pub fn limit_bytes(&self) -> u64 {
        self.store.quota().limit_bytes()
    }

    /// The newest timestamp of all records that were stored; none before the first. A timestamp in
    /// the future counts as the time when its record came.
    pub fn newest_record_time(&self) -> Option<Timestamp> {
        let millis = self.newest_millis.load(Ordering::Relaxed);
        (millis != NONE_YET).then(|| Timestamp::from_millis(millis))
    }

    /// The table's counters at this moment.
    pub fn stats(&self) -> TableStats {
        // Weight first: what is counted later explains it.
        let weight_bytes = self.weight_bytes();
        let counts = self.store.counts();
        let lookups = self.lookups.read();
        TableStats {
            name: self.spec.name.clone(),
            entry_count: counts.entry_count(),
            weight_bytes,
            ghost_bytes: self.store.ghosts().bytes(),
            capacity_bytes: self.capacity_bytes(),
            limit_bytes: self.limit_bytes(),
            hit_count: lookups.hits,
            miss_count: lookups.all_misses(),
            misses: MissKind::ALL.map(|kind| (kind, lookups.misses(kind))),
            stored_count: counts.stored_count,
            plucked_bytes: counts.plucked_bytes,
            removals: counts.removals,
            newest_record_time: self.newest_record_time(),
            weight_mismatch_count: self.store.quota().mismatch_count(),
        }
    }

    fn charge<T>(&self, work: impl FnOnce() -> T) -> T {
        self.spec.account.charge(work)
    }
}

fn new_store(spec: &Spec, changes: Arc<ChangeLog>) -> Box<dyn Store> {
    let capacity_bytes = spec.capacity_bytes.max(MIN_CAPACITY_BYTES);
    let ghosts = GhostEntries::new(capacity_bytes);
    match spec.store {
        config::Store::Moka => {
            let (account, clock) = (spec.account.clone(), spec.clock.clone());
            let accounting = (ghosts, changes);
            Box::new(MokaStore::new(capacity_bytes, accounting, spec.ranked_by, account, clock))
        }
        config::Store::Compact => {
            let now = spec.clock.now();
            let memory = (ghosts, changes);
            Box::new(CompactStore::new(capacity_bytes, spec.ttl, memory, spec.ranked_by, now))
        }
    }
}

/// A table's counters; cumulative ones are since the table was made.
#[derive(Debug, Clone)]
pub struct TableStats {
    /// The table's name.
    pub name: String,
    /// Entries held, with expired ones that are not removed yet.
    pub entry_count: u64,
    /// What the table weighs, in bytes: entries, ghost entries and what the store takes
    /// without any entry. Does not grow past `limit_bytes`.
    pub weight_bytes: u64,
    /// What the ghost entries take of it, in bytes.
    pub ghost_bytes: u64,
    /// What the table may weigh while memory is not short, in bytes.
    pub capacity_bytes: u64,
    /// What the table may weigh at the moment, in bytes: less than `capacity_bytes` while
    /// memory is short.
    pub limit_bytes: u64,
    /// Lookups that found an entry.
    pub hit_count: u64,
    /// Lookups that found none.
    pub miss_count: u64,
    /// The same by the kind of the reason, with every kind.
    pub misses: [(MissKind, u64); MissKind::ALL.len()],
    /// Entries stored, with those that replaced another.
    pub stored_count: u64,
    /// Bytes of the keys and packed fields stored.
    pub plucked_bytes: u64,
    /// Entries that left, by cause.
    pub removals: Removals,
    /// What [`Table::newest_record_time`] says.
    pub newest_record_time: Option<Timestamp>,
    /// How often more weight was released than was reserved. Above zero, the store has a bug.
    pub weight_mismatch_count: u64,
}

#[cfg(test)]
mod tests;
