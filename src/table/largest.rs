//! The entries that take the most: one walk over the table, and room for one page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Table;
use super::weight::WeightParts;
use crate::record::{EntryView, Key, Origin, Timestamp};

/// What can be said of an entry without its fields. Ordered by weight, then by key.
#[derive(Debug, Clone)]
pub struct Described {
    /// What it is stored under.
    pub key: Key,
    /// Where its bytes are.
    pub parts: WeightParts,
    /// Where it came from.
    pub origin: Origin,
    /// When it is absent again.
    pub expires_at: Timestamp,
    /// How many entries under its key it has taken the place of, one after the other.
    pub replaced_count: u32,
}

/// A page of the largest entries.
#[derive(Debug, Clone)]
pub struct Largest {
    /// The largest first; of equal ones the later key first.
    pub entries: Vec<Described>,
    /// How many entries were looked at.
    pub walked_count: u64,
}

impl Table {
    /// The live entry under `key` at `now`. Counts nothing.
    pub fn describe(&self, key: &Key, now: Timestamp) -> Option<Described> {
        let parts = |entry: &EntryView<'_>| self.store.weigh(key.as_str(), entry);
        self.peek(key.as_str(), now, |entry| Described::new(key.clone(), parts(&entry), &entry))
    }

    /// The `count` largest live entries of those that come after `after`, a weight and a key.
    ///
    /// Walks the whole table, some millions of entries a second, and holds no more than
    /// the page. Lookups and writes go on; what they change meanwhile may or may not be seen.
    pub fn largest(&self, count: usize, after: Option<(u64, &str)>, now: Timestamp) -> Largest {
        let mut page = BinaryHeap::with_capacity(count + 1);
        let mut walked_count = 0;
        self.store.walk(&mut |key, entry| {
            if entry.is_expired(now) {
                return;
            }
            walked_count += 1;
            let parts = self.store.weigh(key, &entry);
            let place = (parts.total_bytes(), key);
            if after.is_some_and(|after| place >= after) || !has_room(&page, count, place) {
                return;
            }
            page.extend(Key::copy_of(key).map(|key| Reverse(Described::new(key, parts, &entry))));
            if page.len() > count {
                page.pop();
            }
        });
        let entries = page.into_sorted_vec().into_iter().map(|Reverse(described)| described);
        Largest { entries: entries.collect(), walked_count }
    }
}

/// Whether an entry of that place is among the `count` largest so far.
fn has_room(page: &BinaryHeap<Reverse<Described>>, count: usize, place: (u64, &str)) -> bool {
    page.len() < count || page.peek().is_some_and(|Reverse(least)| least.place() < place)
}

impl Described {
    fn new(key: Key, parts: WeightParts, entry: &EntryView<'_>) -> Self {
        let EntryView { origin, expires_at, replaced_count, .. } = *entry;
        Self { key, parts, origin, expires_at, replaced_count }
    }

    /// What it weighs, in bytes.
    pub fn weight_bytes(&self) -> u64 {
        self.parts.total_bytes()
    }

    fn place(&self) -> (u64, &str) {
        (self.weight_bytes(), self.key.as_str())
    }
}

impl PartialEq for Described {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Described {}

impl PartialOrd for Described {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Described {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}
