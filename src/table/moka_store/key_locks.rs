//! Locks on keys: one writer at a time, or one reader that removes an expired entry.

use std::hash::{BuildHasher, RandomState};

use parking_lot::{Mutex, MutexGuard};

/// So many that a lookup seldom waits for the writer of another key.
const LOCKS: usize = 1_024;

/// Keys share locks. A lookup takes one only where it finds nothing.
pub(super) struct KeyLocks {
    hasher: RandomState,
    locks: Box<[Mutex<()>]>,
}

impl Default for KeyLocks {
    fn default() -> Self {
        Self { hasher: RandomState::new(), locks: (0..LOCKS).map(|_| Mutex::new(())).collect() }
    }
}

impl KeyLocks {
    pub(super) fn lock(&self, key: &str) -> MutexGuard<'_, ()> {
        self.of(key).lock()
    }

    /// The lock, if nobody has it.
    pub(super) fn try_lock(&self, key: &str) -> Option<MutexGuard<'_, ()>> {
        self.of(key).try_lock()
    }

    fn of(&self, key: &str) -> &Mutex<()> {
        let number = self.hasher.hash_one(key) % self.locks.len() as u64;
        #[expect(clippy::cast_possible_truncation, reason = "it is less than their number")]
        &self.locks[number as usize]
    }
}
