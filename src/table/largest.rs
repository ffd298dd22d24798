//! The entries that take the most: one walk over the table, and room for one page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Table;
use super::weight::weigh;
use crate::record::{Entry, Key, Timestamp};

/// An entry, its key and what it weighs. Ordered by weight, then by key.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// What it is stored under.
    pub key: Key,
    /// What it weighs, in bytes.
    pub weight_bytes: u64,
    /// The entry.
    pub entry: Entry,
}

/// A page of the largest entries.
#[derive(Debug, Clone)]
pub struct Largest {
    /// The largest first; of equal ones the later key first.
    pub entries: Vec<Weighed>,
    /// How many entries were looked at.
    pub walked_count: u64,
}

impl Table {
    /// The `count` largest live entries of those that come after `after`, a weight and a key.
    ///
    /// Walks the whole table, some millions of entries a second, and holds no more than
    /// the page. Lookups and writes go on; what they change meanwhile may or may not be seen.
    pub fn largest(&self, count: usize, after: Option<(u64, &str)>, now: Timestamp) -> Largest {
        let mut page = BinaryHeap::with_capacity(count + 1);
        let mut walked_count = 0;
        for (slot, entry) in self.store.walk() {
            let Some(key) = slot.key().filter(|_| !entry.is_expired(now)) else { continue };
            walked_count += 1;
            let place = (weigh(key.as_str(), &entry), key.as_str());
            if after.is_some_and(|after| place >= after) || !has_room(&page, count, place) {
                continue;
            }
            page.push(Reverse(Weighed { key: key.clone(), weight_bytes: place.0, entry }));
            if page.len() > count {
                page.pop();
            }
        }
        let entries = page.into_sorted_vec().into_iter().map(|Reverse(weighed)| weighed);
        Largest { entries: entries.collect(), walked_count }
    }
}

/// Whether an entry of that place is among the `count` largest so far.
fn has_room(page: &BinaryHeap<Reverse<Weighed>>, count: usize, place: (u64, &str)) -> bool {
    page.len() < count || page.peek().is_some_and(|Reverse(least)| least.place() < place)
}

impl Weighed {
    fn place(&self) -> (u64, &str) {
        (self.weight_bytes, self.key.as_str())
    }
}

impl PartialEq for Weighed {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Weighed {}

impl PartialOrd for Weighed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Weighed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}
