//! The placeholder: how a running moka cache, which cannot be resized, gets another limit.
//!
//! The cache has the largest capacity that moka's weights can express. One more entry, the
//! placeholder, weighs what must stay free of it. A heavier placeholder makes moka evict, a
//! lighter one makes room. moka's weights have 32 bits, so they count units of some bytes.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::entry_weight::entry_weight_bytes;
use crate::record::{Entry, EntryView, FieldsBuffer, Key, Origin, Timestamp};

/// Most sizes of the allocator are multiples of it. The unit of any table up to 32 GiB.
const MIN_UNIT_BYTES: u64 = 8;

/// The capacity of every cache, in units.
pub(super) const CACHE_UNITS: u64 = u32::MAX as u64;

/// A key of the cache: that of an entry, or none for the placeholder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CacheKey(Option<Key>);

impl CacheKey {
    /// The text that finds the placeholder. No entry's key is empty.
    pub(super) const PLACEHOLDER: &'static str = "";

    pub(super) fn of(key: Key) -> Self {
        Self(Some(key))
    }

    /// The entry's key; none for the placeholder.
    pub(super) fn entry_key(&self) -> Option<&Key> {
        self.0.as_ref()
    }
}

impl Borrow<str> for CacheKey {
    fn borrow(&self) -> &str {
        self.0.as_ref().map_or(Self::PLACEHOLDER, Key::as_str)
    }
}

/// As the text that finds it, which `Borrow` demands.
impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<str>::borrow(self).hash(state);
    }
}

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
    pub(super) fn weigher(&self) -> impl Fn(&CacheKey, &Entry) -> u32 + use<> {
        let (weight_units, unit_bytes) = (Arc::clone(&self.weight_units), self.unit_bytes);
        move |key, entry| match key.entry_key() {
            Some(key) => {
                let units = entry_weight_bytes(key.as_str(), &entry.view()).div_ceil(unit_bytes);
                u32::try_from(units).unwrap_or(u32::MAX)
            }
            None => weight_units.load(Ordering::Relaxed),
        }
    }

    /// The placeholder that leaves room for `room_bytes`, to be inserted.
    pub(super) fn leaving(&self, room_bytes: u64) -> (CacheKey, Entry) {
        let units = CACHE_UNITS.saturating_sub(room_bytes / self.unit_bytes);
        self.weight_units.store(u32::try_from(units).unwrap_or(u32::MAX), Ordering::Relaxed);
        let never = Timestamp::from_millis(i64::MAX);
        let no_fields = FieldsBuffer::default();
        let placeholder = EntryView {
            origin: Origin { partition: 0, offset: 0, time: never },
            rank: 0,
            expires_at: never,
            replaced_count: 0,
            fields: no_fields.fields(),
        };
        (CacheKey(None), placeholder.copy())
    }

    /// What of the cache's weight is not the placeholder's, in bytes.
    #[cfg(test)]
    pub(super) fn entries_bytes(&self, cache_units: u64) -> u64 {
        (cache_units - u64::from(self.weight_units.load(Ordering::Relaxed))) * self.unit_bytes
    }
}
