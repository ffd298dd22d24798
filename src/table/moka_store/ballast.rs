//! How a running moka cache, which cannot be resized, is held to another level.
//!
//! The cache is as large as it could ever have to be, and one more entry, the ballast,
//! weighs what is to stay free of it. A heavier ballast makes moka evict, a lighter one
//! makes room. moka weighs in 32 bits, so weights are in units of some bytes.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::weigh;
use crate::record::{Entry, FieldsBuffer, Key, Origin, Timestamp};

/// The allocator's sizes are multiples of it.
const UNIT_BYTES: u64 = 8;

/// What a cache is keyed by: an entry's key, or none for the ballast.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::table) struct Slot(Option<Key>);

impl Slot {
    /// What the ballast is asked for by; no entry's key is empty.
    pub(super) const BALLAST_KEY: &'static str = "";

    pub(super) fn of(key: Key) -> Self {
        Self(Some(key))
    }

    /// The entry's key; none for the ballast.
    pub(in crate::table) fn key(&self) -> Option<&Key> {
        self.0.as_ref()
    }
}

impl Borrow<str> for Slot {
    fn borrow(&self) -> &str {
        self.0.as_ref().map_or(Self::BALLAST_KEY, Key::as_str)
    }
}

/// As the text that it can be asked for by.
impl Hash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<str>::borrow(self).hash(state);
    }
}

pub(super) struct Ballast {
    ceiling_units: u64,
    weight_units: Arc<AtomicU32>,
}

impl Ballast {
    /// For a cache that starts with `capacity_bytes`. It can be raised to 32 GiB, or stays
    /// at what it starts with where that is more.
    pub(super) fn new(capacity_bytes: u64) -> Self {
        let ceiling_units = u64::from(u32::MAX).max(capacity_bytes / UNIT_BYTES);
        Self { ceiling_units, weight_units: Arc::default() }
    }

    pub(super) fn ceiling_units(&self) -> u64 {
        self.ceiling_units
    }

    /// Weighs the ballast as it is to be, and everything else as it is.
    pub(super) fn weigher(&self) -> impl Fn(&Slot, &Entry) -> u32 + use<> {
        let ballast_units = Arc::clone(&self.weight_units);
        move |slot, entry| match slot.key() {
            Some(key) => {
                u32::try_from(weigh(key.as_str(), entry).div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
            }
            None => ballast_units.load(Ordering::Relaxed),
        }
    }

    /// The ballast that leaves room for `room_bytes`, to be inserted.
    pub(super) fn leaving(&self, room_bytes: u64) -> (Slot, Entry) {
        let units = self.ceiling_units.saturating_sub(room_bytes / UNIT_BYTES);
        self.weight_units.store(u32::try_from(units).unwrap_or(u32::MAX), Ordering::Relaxed);
        let never = Timestamp::from_millis(i64::MAX);
        let nowhere = Origin { partition: 0, offset: 0, time: never };
        (Slot(None), Entry::copy_of(nowhere, never, &FieldsBuffer::default()))
    }

    /// What of `settled_units` is not the ballast's, in bytes.
    #[cfg(test)]
    pub(super) fn settled_bytes(&self, settled_units: u64) -> u64 {
        (settled_units - u64::from(self.weight_units.load(Ordering::Relaxed))) * UNIT_BYTES
    }
}
