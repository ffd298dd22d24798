//! One bounded, expiring table: get, insert, remove over a store.
//!
//! A table copies the [`Draft`]s that it is lent, holds no more than its capacity in real
//! bytes, admits the newest record by letting an older entry go, and never
//! returns an entry past its expiry. What it allocates is charged to an account of
//! its own. It knows nothing of Kafka, JSON or gRPC.
//!
//! Nothing that is borrowed can stay in it, since neither a table nor its store has a
//! lifetime, and an entry is lent out for the length of a call only. To keep one
//! does not compile,
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
//! and to keep a copy does:
//!
//! ```
//! # use millpond::record::Timestamp;
//! # use millpond::table::Table;
//! fn keep(table: &Table) {
//!     let mut kept = None;
//!     table.get("key", Timestamp::now(), |entry| kept = Some(entry.copy()));
//! }
//! ```

mod compact_store;
mod counts;
mod ghosts;
mod largest;
mod ledger;
mod maintenance;
mod moka_store;
mod store;
mod weight;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

pub use counts::{Removal, Removals};
pub use ghosts::{Ghost, MissReason};
pub use largest::{Described, Largest};
pub use maintenance::Maintenance;
pub use weight::{MAX_ENTRY_BYTES, MIN_CAPACITY_BYTES, WeightParts, max_entry_bytes};

use crate::config;
use crate::heap::Account;
use crate::record::{Draft, EntryView, Timestamp};
use compact_store::CompactStore;
use ghosts::GhostEntries;
use moka_store::MokaStore;
use store::Store;

/// What a table is to be.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name, as callers ask for it.
    pub name: String,
    /// The names of its fields, in the order in which entries hold their values.
    pub fields: Vec<Box<str>>,
    /// How long an entry lives, from its record's time.
    pub ttl: Duration,
    /// What all entries together may weigh with the memory of keys that are gone, in bytes; at
    /// least [`MIN_CAPACITY_BYTES`].
    pub capacity_bytes: u64,
    /// What holds the entries.
    pub store: config::Store,
    /// What the table's memory is charged to.
    pub account: Account,
}

/// What became of a record that was given to [`Table::insert`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// Its key had no live entry.
    New,
    /// It took the place of the live entry under its key.
    Replaced,
    /// It is larger than the table takes; what stood under its key is removed.
    TooLarge,
}

/// A bounded, expiring map from key to entry. Share it between threads by reference.
#[derive(Debug)]
pub struct Table {
    spec: Spec,
    store: Box<dyn Store>,
    hits: AtomicU64,
    misses: AtomicU64,
    newest_millis: AtomicI64,
}

const NOTHING_YET: i64 = i64::MIN;

/// What the smallest table has for entries, in bytes, and a larger one too that is made small.
const MIN_ENTRIES_BYTES: u64 = MIN_CAPACITY_BYTES / 32 * 31;

impl Table {
    /// How many keys [`Self::prefetch`] takes.
    pub const LOOKAHEAD: usize = store::LOOKAHEAD;

    /// An empty table. Its memory is taken as entries come, but for what remembers keys that
    /// are gone.
    pub fn new(spec: Spec) -> Self {
        let capacity_bytes = spec.capacity_bytes.max(MIN_CAPACITY_BYTES);
        let store = || -> Box<dyn Store> {
            let ghosts = GhostEntries::new(capacity_bytes);
            let entries_bytes = capacity_bytes - ghosts.bytes();
            let account = spec.account.clone();
            match spec.store {
                config::Store::Moka => Box::new(MokaStore::new(entries_bytes, ghosts, account)),
                config::Store::Compact => {
                    Box::new(CompactStore::new(entries_bytes, spec.ttl, ghosts, account))
                }
            }
        };
        Self {
            store: spec.account.charge(store),
            spec,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            newest_millis: AtomicI64::new(NOTHING_YET),
        }
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The names of the fields, in the order of an entry's values.
    pub fn fields(&self) -> &[Box<str>] {
        &self.spec.fields
    }

    /// What the table's memory is charged to.
    pub fn account(&self) -> &Account {
        &self.spec.account
    }

    /// When a record of `time` that comes at `now` is over: a time in the future counts as now.
    pub fn expiry_of(&self, time: Timestamp, now: Timestamp) -> Timestamp {
        time.min(now).plus(self.spec.ttl)
    }

    /// Shows the live entry under `key` at `now`, if there is one. Counts a hit or a miss.
    pub fn get<T>(
        &self,
        key: &str,
        now: Timestamp,
        see: impl FnOnce(EntryView<'_>) -> T,
    ) -> Option<T> {
        let seen = self.peek(key, now, see);
        self.count_lookups(u64::from(seen.is_some()), u64::from(seen.is_none()));
        seen
    }

    /// The same, and counts nothing: for one question of many, or one that is asked again.
    /// Writers of the key, and of some others, wait for `see`.
    pub fn peek<T>(
        &self,
        key: &str,
        now: Timestamp,
        see: impl FnOnce(EntryView<'_>) -> T,
    ) -> Option<T> {
        let (mut see, mut seen) = (Some(see), None);
        self.store.read(key, &mut |entry| {
            if !entry.is_expired(now) {
                seen = see.take().map(|see| see(entry));
            }
        });
        seen
    }

    /// Prepares for a [`Self::peek`] at each of the next [`Self::LOOKAHEAD`] keys: what they lead
    /// to is fetched from memory at once, not one after the other. At most those are taken.
    pub fn prefetch<'k>(&self, mut keys: impl Iterator<Item = &'k str>) {
        self.store.prefetch(&mut keys);
    }

    /// Counts lookups that were made by [`Self::peek`].
    pub fn count_lookups(&self, hits: u64, misses: u64) {
        self.hits.fetch_add(hits, Ordering::Relaxed);
        self.misses.fetch_add(misses, Ordering::Relaxed);
    }

    /// Why there is no live entry under `key` at `now`, for a key that was just found to
    /// have none.
    pub fn miss_reason(&self, key: &str, now: Timestamp) -> MissReason {
        self.store.miss_reason(key, now)
    }

    /// Stores a copy of a record that comes at `now`; it can be read as soon as this returns.
    /// When the table is full, older entries leave first and the caller waits for that.
    pub fn insert(&self, draft: Draft<'_>, now: Timestamp) -> Inserted {
        if draft.is_oversized() {
            self.store.remove(draft.key(), Ghost::deleted_by(draft.entry().origin));
            return Inserted::TooLarge;
        }
        let inserted = self.store.insert(draft, now);
        if inserted != Inserted::TooLarge {
            // The record's time, or the time it came where that is earlier.
            let time = draft.entry().expires_at.minus(self.spec.ttl).as_millis();
            // Most often another record has said as much.
            if time > self.newest_millis.load(Ordering::Relaxed) {
                self.newest_millis.fetch_max(time, Ordering::Relaxed);
            }
        }
        inserted
    }

    /// Removes what stands under `key`, if anything does, and remembers why nothing does.
    pub fn remove(&self, key: &str, why: Ghost) {
        self.store.remove(key, why);
    }

    /// Sweeps what is expired and settles what reads and writes left to do.
    pub fn maintain(&self) {
        self.store.settle();
    }

    /// Entries held, as the store counts them and not as the books have it: settles first.
    pub fn held_count(&self) -> u64 {
        self.store.held_count()
    }

    /// Sets the capacity, and the level that entries are held to from now on: the capacity
    /// or less of it, where memory is short. Entries above a lower level leave, as they do when
    /// a table is full. A level too low for the largest entry is raised to fit it.
    pub fn set_level(&self, capacity_bytes: u64, level_bytes: u64) {
        let of_entries = |bytes: u64| bytes.saturating_sub(self.store.fixed_bytes());
        let capacity_bytes = of_entries(capacity_bytes).max(MIN_ENTRIES_BYTES);
        self.store.set_level(capacity_bytes, of_entries(level_bytes));
    }

    /// The newest record timestamp stored, none later than it came; none before the first.
    pub fn newest_record_time(&self) -> Option<Timestamp> {
        let millis = self.newest_millis.load(Ordering::Relaxed);
        (millis != NOTHING_YET).then(|| Timestamp::from_millis(millis))
    }

    /// The table's counters at this moment.
    pub fn stats(&self) -> TableStats {
        let (ledger, counts) = (self.store.ledger(), self.store.counts());
        let fixed_bytes = self.store.fixed_bytes();
        TableStats {
            name: self.spec.name.clone(),
            entry_count: counts.entry_count(),
            weight_bytes: ledger.weight_bytes + fixed_bytes,
            capacity_bytes: ledger.capacity_bytes + fixed_bytes,
            level_bytes: ledger.level_bytes + fixed_bytes,
            ghost_bytes: self.store.ghost_bytes(),
            hit_count: self.hits.load(Ordering::Relaxed),
            miss_count: self.misses.load(Ordering::Relaxed),
            stored_count: counts.stored_count,
            plucked_bytes: counts.plucked_bytes,
            removals: counts.removals,
            newest_record_time: self.newest_record_time(),
        }
    }
}

/// A table's counters; cumulative ones are since the table was made.
#[derive(Debug, Clone)]
pub struct TableStats {
    /// The table's name.
    pub name: String,
    /// Entries held, expired ones that are not swept yet among them.
    pub entry_count: u64,
    /// What they weigh with the memory of keys that are gone, in bytes. It does not grow past
    /// `level_bytes`.
    pub weight_bytes: u64,
    /// What of that remembers keys that are gone, in bytes. It never changes.
    pub ghost_bytes: u64,
    /// What both may weigh, in bytes.
    pub capacity_bytes: u64,
    /// What they are held to at the moment, in bytes: less than `capacity_bytes` where
    /// memory is short.
    pub level_bytes: u64,
    /// Lookups that found an entry.
    pub hit_count: u64,
    /// Lookups that found none.
    pub miss_count: u64,
    /// Entries written, those that replaced another among them.
    pub stored_count: u64,
    /// Bytes of the keys and fields written, as they were packed.
    pub plucked_bytes: u64,
    /// Entries that left, by cause.
    pub removals: Removals,
    /// The newest record timestamp stored.
    pub newest_record_time: Option<Timestamp>,
}

#[cfg(test)]
mod tests;
