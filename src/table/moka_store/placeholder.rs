//! The placeholder: how a running moka cache, which cannot be resized, gets another limit.
//!
//! moka has no call that sets a capacity, and none that names the least recently used entry, so
//! the store cannot evict by itself either. The cache has the largest capacity that moka's weights
//! can express. One more entry, the placeholder, weighs what must stay free of it. A heavier
//! placeholder makes moka evict, a lighter one makes room. moka's weights have 32 bits, so they
//! count units of some bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::cache_key::CacheKey;
use super::entry_weight::entry_weight_bytes;
use super::keyed_entry::KeyedEntry;
use crate::record::{EntryView, Fields, Origin, Timestamp};

/// Most sizes of the allocator are multiples of it. The unit of any table up to 32 GiB.
const MIN_UNIT_BYTES: u64 = 8;

/// The capacity of every cache, in units.
pub(super) const CACHE_UNITS: u64 = u32::MAX as u64;

pub(super) struct Placeholder {
    unit_bytes: u64,
    weight_units: Arc<AtomicU32>,
    inserting: Mutex<()>,
}

impl Placeholder {
    /// For a cache that starts with `capacity_bytes`. Its limit can be raised to 32 GiB, or stays
    /// at what it starts with where that is more.
    pub(super) fn new(capacity_bytes: u64) -> Self {
        let unit_bytes = capacity_bytes.div_ceil(CACHE_UNITS).max(MIN_UNIT_BYTES);
        Self { unit_bytes, weight_units: Arc::default(), inserting: Mutex::default() }
    }

    /// To be held while the placeholder is made and inserted, so that the last one inserted has
    /// the weight of the limit that holds.
    pub(super) fn lock(&self) -> MutexGuard<'_, ()> {
        self.inserting.lock()
    }

    /// The cache's weigher, for the placeholder and for entries.
    pub(super) fn weigher(&self) -> impl Fn(&CacheKey, &KeyedEntry) -> u32 + use<> {
        let (weight_units, unit_bytes) = (Arc::clone(&self.weight_units), self.unit_bytes);
        move |key, entry| {
            if key.is_placeholder() {
                return weight_units.load(Ordering::Relaxed);
            }
            let bytes = entry_weight_bytes(entry.key().len(), &entry.view());
            u32::try_from(bytes.div_ceil(unit_bytes)).unwrap_or(u32::MAX)
        }
    }

    /// The placeholder that leaves room for `room_bytes`, to be inserted.
    pub(super) fn leaving(&self, room_bytes: u64) -> KeyedEntry {
        let units = CACHE_UNITS.saturating_sub(room_bytes / self.unit_bytes);
        self.weight_units.store(u32::try_from(units).unwrap_or(u32::MAX), Ordering::Relaxed);
        let never = Timestamp::from_millis(i64::MAX);
        let placeholder = EntryView {
            origin: Origin { partition: 0, offset: 0, time: never },
            rank: 0,
            expires_at: never,
            replaced_count: 0,
            fields: Fields::NONE,
        };
        KeyedEntry::copy_of("", &placeholder)
    }

    /// What of the cache's weight is not the placeholder's, in bytes.
    #[cfg(test)]
    pub(super) fn entries_bytes(&self, cache_units: u64) -> u64 {
        (cache_units - u64::from(self.weight_units.load(Ordering::Relaxed))) * self.unit_bytes
    }
}
