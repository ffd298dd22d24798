//! An account: an arena that one kind of memory comes from.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::allocator::Charge;
use super::control;

/// A part of the heap that is measured apart. Clones are the same account.
#[derive(Debug, Clone)]
pub struct Account(Arc<Arena>);

#[derive(Debug)]
struct Arena {
    index: u32,
}

/// What threads that adopt nothing allocate from, librdkafka's own among them.
const FIRST: u32 = 0;

/// Arenas whose account was dropped, to be used again: destroying one would free
/// what is still allocated from it.
static FREE_ARENAS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

impl Account {
    /// An account with nothing in it yet.
    ///
    /// # Errors
    ///
    /// When jemalloc has no arena left; it has some thousands.
    pub fn open() -> io::Result<Self> {
        let index = free_arenas().pop().or_else(|| control::get::<u32>(c"arenas.create"));
        let no_arena = || io::Error::other("jemalloc has no arena left");
        Ok(Self(Arc::new(Arena { index: index.ok_or_else(no_arena)? })))
    }

    /// The account of all threads that adopt none, such as those that librdkafka starts.
    pub fn of_unbound_threads() -> Self {
        Self(Arc::new(Arena { index: FIRST }))
    }

    /// Charges to this account what the calling thread allocates from now on.
    pub fn adopt_thread(&self) {
        // What the cache holds is from the account before.
        super::flush_thread_cache();
        control::set(c"thread.arena", self.0.index);
    }

    /// Charges to this account what `work` allocates, whatever thread it is on.
    pub fn charge<T>(&self, work: impl FnOnce() -> T) -> T {
        let _charge = Charge::to(self.0.index);
        work()
    }

    pub(super) fn index(&self) -> u32 {
        self.0.index
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if self.index != FIRST {
            free_arenas().push(self.index);
        }
    }
}

fn free_arenas() -> MutexGuard<'static, Vec<u32>> {
    FREE_ARENAS.lock().unwrap_or_else(PoisonError::into_inner)
}
