//! Locks that let one writer at a time at a key.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keys share locks; readers take none.
pub(super) struct KeyLocks {
    hasher: RandomState,
    locks: [Mutex<()>; 64],
}

impl Default for KeyLocks {
    fn default() -> Self {
        Self { hasher: RandomState::new(), locks: [const { Mutex::new(()) }; 64] }
    }
}

impl KeyLocks {
    pub(super) fn lock(&self, key: &str) -> MutexGuard<'_, ()> {
        let lock = self.hasher.hash_one(key) % self.locks.len() as u64;
        #[expect(clippy::cast_possible_truncation, reason = "it is less than their number")]
        self.locks[lock as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
