//! How a running moka cache, which cannot be resized, is held to another level.
//!
//! The cache is as large as it could ever have to be, and one more entry, the ballast,
//! weighs what is to stay free of it. A heavier ballast makes moka evict, a lighter one
//! makes room. moka weighs in 32 bits, so weights are in units of some bytes.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::weigh;
use crate::record::{Entry, EntryView, FieldsBuffer, Key, Origin, Timestamp};

/// The allocator's sizes are multiples of it. The unit of any table up to 32 GiB.
const LEAST_UNIT_BYTES: u64 = 8;

/// A cache is always so large, by moka's weights.
pub(super) const CEILING_UNITS: u64 = u32::MAX as u64;

/// What a cache is keyed by: an entry's key, or none for the ballast.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slot(Option<Key>);

impl Slot {
    /// What the ballast is asked for by; no entry's key is empty.
    pub(super) const BALLAST_KEY: &'static str = "";

    pub(super) fn of(key: Key) -> Self {
        Self(Some(key))
    }

    /// The entry's key; none for the ballast.
    pub(super) fn key(&self) -> Option<&Key> {
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
    unit_bytes: u64,
    weight_units: Arc<AtomicU32>,
    turn: Mutex<()>,
}

impl Ballast {
    /// For a cache that starts with `capacity_bytes`. It can be raised to 32 GiB, or stays
    /// at what it starts with where that is more.
    pub(super) fn new(capacity_bytes: u64) -> Self {
        let unit_bytes = capacity_bytes.div_ceil(CEILING_UNITS).max(LEAST_UNIT_BYTES);
        Self { unit_bytes, weight_units: Arc::default(), turn: Mutex::default() }
    }

    /// To lay it.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Weighs the ballast as it is to be, and everything else as it is.
    pub(super) fn weigher(&self) -> impl Fn(&Slot, &Entry) -> u32 + use<> {
        let (ballast_units, unit_bytes) = (Arc::clone(&self.weight_units), self.unit_bytes);
        move |slot, entry| match slot.key() {
            Some(key) => u32::try_from(weigh(key.as_str(), &entry.view()).div_ceil(unit_bytes))
                .unwrap_or(u32::MAX),
            None => ballast_units.load(Ordering::Relaxed),
        }
    }

    /// The ballast that leaves room for `room_bytes`, to be inserted.
    pub(super) fn leaving(&self, room_bytes: u64) -> (Slot, Entry) {
        let units = CEILING_UNITS.saturating_sub(room_bytes / self.unit_bytes);
        self.weight_units.store(u32::try_from(units).unwrap_or(u32::MAX), Ordering::Relaxed);
        let never = Timestamp::from_millis(i64::MAX);
        let nowhere = Origin { partition: 0, offset: 0, time: never };
        let nothing = FieldsBuffer::default();
        let ballast = EntryView {
            origin: nowhere,
            expires_at: never,
            replaced_count: 0,
            fields: nothing.fields(),
        };
        (Slot(None), ballast.copy())
    }

    /// What of `settled_units` is not the ballast's, in bytes.
    #[cfg(test)]
    pub(super) fn settled_bytes(&self, settled_units: u64) -> u64 {
        (settled_units - u64::from(self.weight_units.load(Ordering::Relaxed))) * self.unit_bytes
    }
}
