//! Locks on keys: one writer at a time.

use parking_lot::{Mutex, MutexGuard};

use super::cache_key::CacheKey;

/// So many that writers seldom wait for the writer of another key.
const LOCKS: usize = 1_024;

/// Keys share locks. Lookups take none.
pub(super) struct KeyLocks(Box<[Mutex<()>]>);

impl Default for KeyLocks {
    fn default() -> Self {
        Self((0..LOCKS).map(|_| Mutex::new(())).collect())
    }
}

impl KeyLocks {
    pub(super) fn lock(&self, key: CacheKey) -> MutexGuard<'_, ()> {
        self.of(key).lock()
    }

    /// The lock, if nobody has it.
    pub(super) fn try_lock(&self, key: CacheKey) -> Option<MutexGuard<'_, ()>> {
        self.of(key).try_lock()
    }

    /// Returns once everybody has unlocked that has a lock now.
    pub(super) fn wait_for_all(&self) {
        self.0.iter().for_each(|lock| drop(lock.lock()));
    }

    fn of(&self, key: CacheKey) -> &Mutex<()> {
        &self.0[key.share(self.0.len())]
    }
}
