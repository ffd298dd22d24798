//! The changes of a table, for those who watch it: one bounded ring of bytes, which writers append to
//! while somebody watches, and which each watcher reads at its own pace.
//!
//! ```text
//! store, under the lock of the key -> ring (oldest changes are overwritten) -> ChangeReader, each
//!                                                                              with its position
//! ```
//!
//! A writer waits for no reader, but for the moment in which one copies changes out. A reader that is
//! too slow finds that it was overtaken. Changes of one key are appended in the order in which they
//! are made, since a store appends under the lock of the key.
//!
//! A position is the number of bytes that were ever appended. It tells two changes apart, and says
//! whether the ring still has what follows.

mod change;
mod ring;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::Notify;

pub use change::{Change, ChangeKind, Changes};
use change::{Header, RemovedEntry};
use ring::Ring;

use super::counts::Removal;
use crate::record::{EntryView, Origin, Recency, Timestamp};

/// For so long changes are recorded after the last reader left, so that it can come again.
const GRACE: Duration = Duration::from_secs(60);

/// The changes of one table. Writers and readers share it.
#[derive(Debug)]
pub(super) struct ChangeLog {
    capacity_bytes: usize,
    ring: RwLock<Ring>,
    is_recording: AtomicBool,
    /// The position after the last change. Known without the lock.
    end: AtomicU64,
    /// Whether a reader waits for the next change.
    is_awaited: AtomicBool,
    changed: Notify,
}

/// Changes were overwritten before they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overtaken;

/// Reads the changes of a table, one after the other. Recording goes on as long as there is one.
#[derive(Debug)]
pub struct ChangeReader {
    log: Arc<ChangeLog>,
    position: u64,
}

impl ChangeLog {
    /// A log that keeps so many bytes of changes. It allocates them for the first reader.
    pub(super) fn new(capacity_bytes: usize) -> Self {
        Self {
            capacity_bytes: capacity_bytes.max(1),
            ring: RwLock::default(),
            is_recording: AtomicBool::new(false),
            end: AtomicU64::new(0),
            is_awaited: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// Records that an entry was stored, or is about to be. The caller has its key locked.
    pub(super) fn record_stored(&self, key: &str, entry: &EntryView<'_>, replaced: bool) {
        if self.is_recording() {
            let header = Header::stored(key.len(), entry, replaced);
            self.append(&header, key.as_bytes(), entry.fields.packed());
        }
    }

    /// Records that an entry has left. One that was replaced has not: see [`Self::record_stored`].
    /// `by` is the record that deleted it. The caller has its key locked.
    pub(super) fn record_removed(
        &self,
        key: &[u8],
        (origin, expires_at): (Origin, Timestamp),
        removal: Removal,
        by: Option<Recency>,
    ) {
        if removal != Removal::Replaced && self.is_recording() {
            let removed = RemovedEntry { origin, expires_at, removal, by };
            self.append(&Header::removed(key.len(), &removed), key, &[]);
        }
    }

    /// Whether anybody watches.
    pub(super) fn is_recording(&self) -> bool {
        // Read under a lock that `watch` waits for, or after the change was made. So a writer that
        // does not record yet has made its change visible before the first reader begins.
        self.is_recording.load(Ordering::SeqCst)
    }

    fn append(&self, header: &Header, key: &[u8], fields: &[u8]) {
        let mut ring = self.ring.write();
        ring.append([header.bytes(), key, fields]);
        self.end.store(ring.end(), Ordering::SeqCst);
        drop(ring);
        // A reader that waits has announced it before it looked at the end for the last time.
        if self.is_awaited.load(Ordering::SeqCst) && self.is_awaited.swap(false, Ordering::SeqCst) {
            self.changed.notify_one();
        }
    }

    /// Begins to record, unless that is so already, and reads from here on. `wait_for_writers` returns
    /// once every writer is done that may have begun before.
    pub(super) fn watch(log: &Arc<Self>, wait_for_writers: impl Fn()) -> ChangeReader {
        let mut ring = log.ring.write();
        ring.add_reader(log.capacity_bytes);
        log.end.store(ring.end(), Ordering::SeqCst);
        drop(ring);
        log.is_recording.store(true, Ordering::SeqCst);
        let mut reader = ChangeReader { log: Arc::clone(log), position: 0 };
        // For those who record nothing yet.
        wait_for_writers();
        reader.position = log.ring.read().end();
        // For those who have recorded a change before that position, and have yet to make it.
        wait_for_writers();
        reader
    }

    /// Frees the memory if nobody has watched for a while.
    pub(super) fn end_unwatched(&self) {
        if self.is_recording() && self.ring.read().is_unwatched_for(GRACE) {
            let mut ring = self.ring.write();
            if ring.is_unwatched_for(GRACE) {
                self.is_recording.store(false, Ordering::SeqCst);
                ring.clear();
            }
        }
    }
}

impl ChangeReader {
    /// The position after what was read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The position after the last change that was made. Changes that are visible in the table are
    /// before it.
    pub fn end(&self) -> u64 {
        self.ring().end()
    }

    /// Goes on after an earlier position of a reader of this table. False, and nothing happens, if
    /// changes after it are gone.
    pub fn seek(&mut self, position: u64) -> bool {
        let is_kept = self.ring().has_all_after(position);
        if is_kept {
            self.position = position;
        }
        is_kept
    }

    /// Copies the next changes, about so many bytes of them, and at least one if there is one.
    ///
    /// # Errors
    ///
    /// When the next change was overwritten.
    pub fn read(&mut self, most_bytes: usize, changes: &mut Changes) -> Result<(), Overtaken> {
        let position = self.position;
        let copied = changes.refill(position, |into| self.ring().copy(position, most_bytes, into));
        self.position = copied.ok_or(Overtaken)?;
        Ok(())
    }

    /// Waits until there is something to read.
    pub async fn changed(&self) {
        let changed = self.log.changed.notified();
        self.log.is_awaited.store(true, Ordering::SeqCst);
        if self.log.end.load(Ordering::SeqCst) == self.position {
            changed.await;
            // The writer has woken one reader only, so that a change costs it little.
            self.log.changed.notify_waiters();
        }
    }

    fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.log.ring.read()
    }
}

impl Drop for ChangeReader {
    fn drop(&mut self) {
        self.log.ring.write().remove_reader();
    }
}

#[cfg(test)]
mod tests;
