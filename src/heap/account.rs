//! An account: the arena that one kind of memory is allocated from.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::allocator::Charge;
use super::control;
use super::flush::flush_thread_cache;

/// A part of the heap that is measured on its own. Clones are the same account.
#[derive(Debug, Clone)]
pub struct Account(Arc<Arena>);

#[derive(Debug)]
struct Arena {
    index: u32,
}

/// The arena of threads that adopt no account, among them those that librdkafka starts.
const FIRST: u32 = 0;

/// Arenas whose account was dropped, to be used again. None is destroyed: that would free
/// what is still allocated from it.
static FREE_ARENAS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

impl Account {
    /// A new account, in which nothing is allocated yet.
    ///
    /// # Errors
    ///
    /// When jemalloc has no arena left. It has some thousands, and one is used again when all of its
    /// memory is freed.
    pub fn open() -> io::Result<Self> {
        let index = take_empty_arena().or_else(|| control::get::<u32>(c"arenas.create"));
        let no_arena = || io::Error::other("jemalloc has no arena left");
        Ok(Self(Arc::new(Arena { index: index.ok_or_else(no_arena)? })))
    }

    /// The account of all threads that adopt none, such as those that librdkafka starts.
    pub fn of_unbound_threads() -> Self {
        Self(Arc::new(Arena { index: FIRST }))
    }

    /// Charges to this account what the calling thread allocates from now on.
    pub fn adopt_thread(&self) {
        // The thread's cache holds memory of the previous account.
        flush_thread_cache();
        control::set(c"thread.arena", self.0.index);
    }

    /// Charges to this account what `work` allocates, on any thread.
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
            FREE_ARENAS.lock().push(self.index);
        }
    }
}

/// An arena whose account was dropped, if one is empty. What is left in another would be measured as
/// part of the new account, and would be freed at any moment.
fn take_empty_arena() -> Option<u32> {
    let mut free = FREE_ARENAS.lock();
    if free.is_empty() {
        return None;
    }
    control::refresh_statistics();
    let position = free.iter().position(|&index| control::allocated_bytes(index) == 0)?;
    Some(free.swap_remove(position))
}
