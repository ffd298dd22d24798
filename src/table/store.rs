//! What holds a table's entries, and what it has to keep to.
//!
//! A store keeps these promises, whatever threads call it at once:
//!
//! 1. **Weight first.** It reserves weight in its [`Quota`] before it allocates memory for
//!    entries and releases it when they leave. What it allocates before it has reserved is
//!    small, short-lived and stated where it happens.
//! 2. **Bounded.** It never takes the weight above the limit. When there is no room, it evicts
//!    older entries and then stores the new one: the newest record is always admitted.
//! 3. **Too large.** A record is [`Inserted::TooLarge`] where [`Quota::admits`] says no, or where
//!    even an empty store has no room. The older entry of the key is then still there, unless it
//!    was evicted; other entries may have been evicted too. The table removes the older entry and
//!    remembers the key as deleted by that record.
//! 4. **No gap.** While a record replaces an entry, a reader finds the older or the newer
//!    entry, never none.
//! 5. **Carried on.** An entry that replaces a live one has its `replaced_count` plus one; every
//!    other has zero.
//! 6. **One exit.** An entry leaves exactly once and is counted under exactly one [`Removal`]. An
//!    expired entry counts as expired, whatever removes it.
//! 7. **Stored before removed.** An entry is counted as stored before it can leave, so that at no
//!    moment have more entries left than came.
//! 8. **Ghosts.** The ghost entry of an entry that expired or was evicted is inserted under the
//!    lock under which the entry leaves. A key that had an entry is never called
//!    [`MissReason::NeverSeen`]; in doubt the answer is [`MissReason::Unknown`].
//! 9. **A removal is remembered** even where there was no entry to remove.
//! 10. **Newer wins.** A record that is older than the entry or the ghost entry of its key, by
//!     [`Recency::replacing`](crate::record::Recency::replacing), changes nothing, whether it would
//!     store or remove.
//! 11. **Prefetching changes nothing**: no entry, no count, no answer.
//! 12. **Recorded.** A store records in the [`ChangeLog`](super::changes::ChangeLog) each entry that it
//!     stores, and each that leaves and is not replaced, under the lock of the key and exactly once.
//! 13. **Scanned once.** A key that has a live entry from before a scan until it is over stands in
//!     exactly one [`ScanPart`], and any other key in one at most. Entries that are replaced or that
//!     move change nothing of that.
//! 14. **Memory is the table's.** The table charges to its account what a store allocates. In
//!     `read`, `read_at`, `scan_part`, `prefetch` and `walk` a closure or an iterator of the caller runs, whose memory
//!     is not the table's: there a store charges its own allocations itself.
//! 15. **Weighed truly.** The weight is what the allocator says that the store takes, within 5 %.
//!
//! The tests of `table::tests` run over every store and check 2 to 6, 8 to 10, 12 and 13: `life` (4, 5, 6),
//! `bounds` (2, 3, 6), `limits` (2), `misses` (3, 8, 9), `newer` (10), `explained` (5), `changes` (12), `scans` (13).
//! `tests/memory` checks 1, 14 and 15. No test observes 7. Tests beside each store check what only
//! its inside shows; for the compact store they compare it with a plain map, 11 included.
//!
//! To add a store: a variant of `config::Store`, its word and its text (`config/table.rs`), a module
//! and an arm of `new_store` in `table.rs`, a module in each of the two `over_every_store!` macros
//! (`table/tests.rs`, `tests/memory/main.rs`). Then `README.md`, the benchmarks
//! (`benches/src/subject.rs`, `benches/replacements.rs`, `benches/table.rs`), and
//! `MILLPOND_BLESS=1 cargo test config`, which rewrites `docs/CONFIGURATION.md`. The compiler names
//! the other places.

use std::fmt::Debug;

use super::counts::Counts;
use super::evictions::Evictions;
use super::ghosts::GhostEntries;
use super::miss_reason::{Ghost, MissReason};
use super::quota::Quota;
use super::scan::{ScanPart, ScanPosition};
use super::weight::WeightParts;
use crate::record::{Draft, EntryView, Timestamp};

/// How many keys are prefetched at once: about as many loads as a core can have under way.
pub(super) const LOOKAHEAD: usize = 16;

/// The outcome of storing a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// Its key had no live entry.
    New,
    /// It replaced the live entry of its key.
    Replaced,
    /// A newer record of its key was handled before, and nothing has changed.
    Superseded,
    /// It is larger than the table takes. A store leaves the older entry of the key, and
    /// `Table::insert` then removes it.
    TooLarge,
}

/// The outcome of removing the entry of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// The key had a live entry.
    Entry,
    /// The key had no live entry.
    Nothing,
    /// A newer record of the key was handled before, and nothing has changed.
    Superseded,
}

/// Holds the entries of one table. See the head of this file for what it promises.
pub(super) trait Store: Debug + Send + Sync {
    /// Shows the entry of a key, if there is one. It may be expired.
    fn read(&self, key: &str, visit: &mut dyn FnMut(EntryView<'_>));

    /// Makes the processor load what the first [`LOOKAHEAD`] keys lead to, all at once, for
    /// reads that follow.
    fn prefetch(&self, _keys: &mut dyn Iterator<Item = &str>) {}

    /// The same for inserts and removals that follow, which look for ghost entries too.
    fn prefetch_for_changes(&self, keys: &mut dyn Iterator<Item = &str>);

    /// Stores a copy of a record that arrives at `now`, in place of the entry of its key, unless
    /// that or the ghost entry of the key is newer.
    fn insert(&self, draft: &Draft<'_>, now: Timestamp) -> Inserted;

    /// Removes the entry of a key, if there is one, and remembers why there is none, unless the
    /// entry or the ghost entry of the key is newer than the record that removes it.
    fn remove(&self, key: &str, ghost: Ghost, now: Timestamp) -> Removed;

    /// Removes every entry and every ghost entry of a partition. Counted as deleted.
    fn remove_partition(&self, partition: i32, now: Timestamp);

    /// Why a key has no entry that is live at `now`, after a read found none.
    fn miss_reason(&self, key: &str, now: Timestamp) -> MissReason;

    /// Removes expired entries and does what reads and writes put off.
    fn maintain(&self, now: Timestamp);

    /// Evicts what is above the limit, after the quota got a new one.
    fn enforce_limit(&self, now: Timestamp);

    /// Returns once every change is visible that was recorded, or left out, before.
    fn wait_for_writers(&self) {}

    /// Shows every entry that is there from the beginning of the walk to its end once, and
    /// each that comes or leaves meanwhile at most once. Readers and writers go on.
    fn walk(&self, visit: &mut dyn FnMut(&str, EntryView<'_>));

    /// Where the keys of wanted entries are: the next ones after a position in the order of scans, as
    /// many as the store finds by one walk.
    fn scan_part(
        &self,
        after: Option<ScanPosition>,
        is_wanted: &dyn Fn(&str, EntryView<'_>) -> bool,
    ) -> ScanPart;

    /// Shows the entries at a position. They may be expired.
    fn read_at(&self, position: ScanPosition, visit: &mut dyn FnMut(&str, EntryView<'_>));

    /// How the weight of an entry is made up.
    fn weigh(&self, key: &str, entry: &EntryView<'_>) -> WeightParts;

    /// What the table weighs, and what it may weigh.
    fn quota(&self) -> &Quota;

    /// What was evicted while memory was short.
    fn evictions(&self) -> &Evictions;

    /// The ghost entries: what the table remembers of keys that are gone.
    fn ghosts(&self) -> &GhostEntries;

    /// How many entries were stored, and how many left.
    fn counts(&self) -> Counts;

    /// How many entries the store holds, without a look at [`Self::counts`]: the one is checked
    /// against the other.
    fn held_count(&self) -> u64;
}
