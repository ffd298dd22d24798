//! Locks that let one writer at a time at a key, and one that sweeps it.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

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
        self.of(key).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, if nobody has it.
    pub(super) fn try_lock(&self, key: &str) -> Option<MutexGuard<'_, ()>> {
        match self.of(key).try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn of(&self, key: &str) -> &Mutex<()> {
        let lock = self.hasher.hash_one(key) % self.locks.len() as u64;
        #[expect(clippy::cast_possible_truncation, reason = "it is less than their number")]
        &self.locks[lock as usize]
    }
}
