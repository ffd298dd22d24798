//! What a table asks of what holds its entries.

use std::fmt::Debug;

use super::Inserted;
use super::counts::Counts;
use super::ghosts::{Ghost, MissReason};
use super::ledger::LedgerSnapshot;
use super::weight::WeightParts;
use crate::record::{Draft, EntryView, Timestamp};

/// How many keys are prefetched at once: about as many as a core can wait for.
pub(super) const LOOKAHEAD: usize = 16;

/// Holds entries within a level in real bytes, keeps the books, and remembers why keys
/// are gone. Every method may be called by many threads at once; what one allocates is
/// charged to the table.
pub(super) trait Store: Debug + Send + Sync {
    /// Shows the entry under a key, unless there is none. It may be past its expiry.
    fn read(&self, key: &str, see: &mut dyn FnMut(EntryView<'_>));

    /// Has the processor fetch what the first [`LOOKAHEAD`] keys lead to from memory, all of it
    /// at once, for reads that come next. Answers nothing, and changes nothing but how long
    /// those take.
    fn prefetch(&self, _keys: &mut dyn Iterator<Item = &str>) {}

    /// Stores a copy of a record that comes at `now`, in place of the entry under its key.
    /// Older entries leave first where there is no room.
    fn insert(&self, draft: Draft<'_>, now: Timestamp) -> Inserted;

    /// Removes the entry under a key, if there is one, and remembers why there is none.
    fn remove(&self, key: &str, why: Ghost);

    /// Why a key has no entry that is live at `now`, after it was found to have none.
    fn miss_reason(&self, key: &str, now: Timestamp) -> MissReason;

    /// Lets go of what is expired and of what is over the level.
    fn settle(&self);

    /// Sets what entries may weigh, and the level that they are held to for now.
    fn set_level(&self, capacity_bytes: u64, level_bytes: u64);

    /// Shows every entry that is there from the beginning of the walk to its end once, and
    /// each that comes or goes meanwhile at most once. Readers and writers go on.
    fn walk(&self, see: &mut dyn FnMut(&str, EntryView<'_>));

    /// Where the bytes of an entry are.
    fn weigh(&self, key: &str, entry: &EntryView<'_>) -> WeightParts;

    /// What it weighs, and may.
    fn ledger(&self) -> LedgerSnapshot;

    /// What came and what left.
    fn counts(&self) -> Counts;

    /// How many entries it counts, settled; not by [`Self::counts`], which are checked against
    /// this.
    fn held_count(&self) -> u64;

    /// What remembers keys that are gone, in bytes; it never changes.
    fn ghost_bytes(&self) -> u64;

    /// What it takes without any entry, that among it, in bytes; it never changes, and the
    /// ledger does not have it.
    fn fixed_bytes(&self) -> u64;
}
