//! The largest entries of a store: one walk over it, and room for one page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::store::Store;
use super::weight::WeightParts;
use crate::record::{EntryView, Key, Origin, Timestamp};

/// A page of the largest entries.
#[derive(Debug, Clone)]
pub struct LargestEntries {
    /// The largest first; of equal ones the later key first.
    pub entries: Vec<DescribedEntry>,
    /// How many live entries were looked at.
    pub walked_count: u64,
}

/// What can be said of an entry without its fields. Ordered by weight, then by key.
#[derive(Debug, Clone)]
pub struct DescribedEntry {
    /// Its key.
    pub key: Key,
    /// How its weight is made up.
    pub parts: WeightParts,
    /// Where in the stream its record came from.
    pub origin: Origin,
    /// When it expires.
    pub expires_at: Timestamp,
    /// How many entries of its key were replaced before it, without a break.
    pub replaced_count: u32,
}

impl LargestEntries {
    pub(super) fn of(
        store: &dyn Store,
        count: usize,
        after: Option<(u64, &str)>,
        now: Timestamp,
    ) -> Self {
        let mut page = BinaryHeap::with_capacity(count + 1);
        let mut walked_count = 0;
        store.walk(&mut |key, entry| {
            if entry.is_expired(now) {
                return;
            }
            walked_count += 1;
            let parts = store.weigh(key, &entry);
            let rank = (parts.total_bytes(), key);
            if after.is_some_and(|after| rank >= after) || !has_room(&page, count, rank) {
                return;
            }
            let description = |key| DescribedEntry::new(key, parts, &entry);
            page.extend(Key::copy_of(key).map(|key| Reverse(description(key))));
            if page.len() > count {
                page.pop();
            }
        });
        let entries = page.into_sorted_vec().into_iter().map(|Reverse(entry)| entry);
        Self { entries: entries.collect(), walked_count }
    }
}

/// Whether an entry of that rank is among the `count` largest so far.
fn has_room(page: &BinaryHeap<Reverse<DescribedEntry>>, count: usize, rank: (u64, &str)) -> bool {
    page.len() < count || page.peek().is_some_and(|Reverse(least)| least.rank() < rank)
}

impl DescribedEntry {
    pub(super) fn new(key: Key, parts: WeightParts, entry: &EntryView<'_>) -> Self {
        let EntryView { origin, expires_at, replaced_count, .. } = *entry;
        Self { key, parts, origin, expires_at, replaced_count }
    }

    /// What it weighs, in bytes.
    pub fn weight_bytes(&self) -> u64 {
        self.parts.total_bytes()
    }

    fn rank(&self) -> (u64, &str) {
        (self.weight_bytes(), self.key.as_str())
    }
}

impl PartialEq for DescribedEntry {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for DescribedEntry {}

impl PartialOrd for DescribedEntry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DescribedEntry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}
