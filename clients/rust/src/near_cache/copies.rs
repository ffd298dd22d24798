//! The copies, and how old they may be.
//!
//! A copy is never older than is said of it. Two things see to that. A key that changes while it is
//! fetched is not held, as nobody knows which came first. And a fetch demands the records of which the
//! watch has told, so an instance that lags behind the one that is watched waits for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use lru::LruCache;
use prost::Message;
use tonic::Status;

use super::answer::{NearAnswer, NearCacheStats};
use super::positions::Positions;
use crate::v1::lookup_result::Outcome;
use crate::v1::watch_event::Event;
use crate::v1::{
    AsOf, Entry, GetResponse, LookupResult, Miss, MissReason, Origin, PartitionOffset,
    RemovalCause, RemovedEntry, WatchProgress,
};

/// What a copy takes beside its key and its encoded entry, about.
const COPY_BYTES: usize = 256;
/// The most positions that a call may demand.
const MAX_POSITIONS: usize = 1_000;

/// The copies of one table.
#[derive(Debug)]
pub(super) struct Copies {
    held: LruCache<String, Copy>,
    held_bytes: usize,
    max_bytes: usize,
    fetches: HashMap<String, Fetches>,
    positions: Positions,
    /// As of when all copies are. None until the watch has told how far it is.
    as_of: Option<KnownAsOf>,
    /// Why the watch does not go on.
    fault: Option<Status>,
    hit_count: u64,
    fetch_count: u64,
}

#[derive(Debug)]
struct Copy {
    result: Arc<LookupResult>,
    bytes: usize,
    /// As of when it was when it was fetched.
    as_of: KnownAsOf,
}

/// The fetches of one key that are under way.
#[derive(Debug, Default)]
struct Fetches {
    count: usize,
    has_changed: bool,
}

/// How complete a table was known to be at some moment.
#[derive(Debug, Clone, Copy)]
struct KnownAsOf {
    /// Not later than it was so.
    at: Instant,
    staleness: Option<Duration>,
}

impl KnownAsOf {
    fn new(at: Instant, as_of: Option<&AsOf>) -> Self {
        let staleness = as_of.and_then(|as_of| as_of.staleness?.try_into().ok());
        Self { at, staleness }
    }

    /// How long before `now` the table was known to be complete.
    fn staleness(self, now: Instant) -> Option<Duration> {
        Some(self.staleness? + now.saturating_duration_since(self.at))
    }
}

impl Copies {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            held: LruCache::unbounded(),
            held_bytes: 0,
            max_bytes,
            fetches: HashMap::new(),
            positions: Positions::default(),
            as_of: None,
            fault: None,
            hit_count: 0,
            fetch_count: 0,
        }
    }

    /// The copy of a key, if there is one that is fresh enough.
    pub(super) fn find(
        &mut self,
        key: &str,
        now: Instant,
        clock: SystemTime,
        max_staleness: Option<Duration>,
    ) -> Option<NearAnswer> {
        let copy = self.held.get(key)?;
        // The service says so too, and some seconds later.
        if expire_time(&copy.result).is_some_and(|time| time <= clock) {
            return None;
        }
        let known = [Some(copy.as_of), self.as_of].into_iter().flatten();
        let staleness = known.filter_map(|as_of| as_of.staleness(now)).min();
        if max_staleness.is_some_and(|max| staleness.is_none_or(|staleness| staleness > max)) {
            return None;
        }
        self.hit_count += 1;
        Some(NearAnswer { result: Arc::clone(&copy.result), staleness, is_near: true })
    }

    /// Applies an event of a watch that was asked for at this moment.
    pub(super) fn apply(&mut self, event: Event, asked: Instant) {
        match event {
            Event::Started(started) if started.resumed => {}
            // Changes up to now are not known.
            Event::Started(_) => self.forget_all(),
            Event::Stored(stored) => {
                if let Some(entry) = stored.entry {
                    self.store(entry);
                }
            }
            Event::Removed(removed) => self.remove(&removed),
            Event::Progress(progress) => self.progress(&progress, asked),
            // They are not asked for.
            Event::Current(_) | Event::SnapshotComplete(_) => {}
        }
    }

    pub(super) fn note_fault(&mut self, fault: Status) {
        self.fault = Some(fault);
    }

    pub(super) fn clear_fault(&mut self) {
        self.fault = None;
    }

    pub(super) fn fault(&self) -> Option<Status> {
        self.fault.clone()
    }

    pub(super) fn stats(&self, now: Instant) -> NearCacheStats {
        NearCacheStats {
            hit_count: self.hit_count,
            fetch_count: self.fetch_count,
            held_keys: self.held.len(),
            held_bytes: self.held_bytes,
            staleness: self.as_of.and_then(|as_of| as_of.staleness(now)),
        }
    }

    fn forget_all(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
        self.positions = Positions::default();
        self.as_of = None;
        self.fetches.values_mut().for_each(|fetches| fetches.has_changed = true);
    }

    fn store(&mut self, entry: Entry) {
        let origin = entry.origin.unwrap_or_default();
        self.positions.note(origin.partition, origin.offset);
        self.note_change(&entry.key);
        if self.is_older_than_copy(&entry.key, &origin) {
            return;
        }
        let key = entry.key.clone();
        self.replace(&key, Outcome::Entry(entry));
    }

    fn remove(&mut self, removed: &RemovedEntry) {
        let origin = removed.origin.unwrap_or_default();
        self.note_change(&removed.key);
        if let Some(by) = removed.deleted_by {
            self.positions.note(by.partition, by.offset);
        }
        if self.is_older_than_copy(&removed.key, &origin) {
            return;
        }
        let miss = match removed.cause() {
            RemovalCause::Deleted => {
                let reason = MissReason::Deleted.into();
                Miss { reason, time: None, deleted_by: removed.deleted_by }
            }
            RemovalCause::Expired => {
                let reason = MissReason::Expired.into();
                Miss { reason, time: removed.expire_time, deleted_by: None }
            }
            // The service may know more by now.
            _ => return self.forget(&removed.key),
        };
        self.replace(&removed.key, Outcome::Miss(miss));
    }

    fn progress(&mut self, progress: &WatchProgress, asked: Instant) {
        self.positions.tell(&progress.positions);
        let since_start = progress.since_start.and_then(|since| Duration::try_from(since).ok());
        // An older service does not say it. Then all is as old as the watch.
        let at = asked + since_start.unwrap_or_default();
        self.as_of = Some(KnownAsOf::new(at.min(Instant::now()), progress.as_of.as_ref()));
    }

    fn note_change(&mut self, key: &str) {
        if let Some(fetches) = self.fetches.get_mut(key) {
            fetches.has_changed = true;
        }
    }

    /// Whether the copy comes from a later record than this one. That is so if it was fetched from an
    /// instance that is ahead of the one that is watched.
    fn is_older_than_copy(&self, key: &str, origin: &Origin) -> bool {
        let copy = self.held.peek(key).and_then(|copy| copy.result.outcome.as_ref());
        let of_copy = match copy {
            Some(Outcome::Entry(entry)) => entry.origin.map(|at| (at.partition, at.offset)),
            Some(Outcome::Miss(miss)) => miss.deleted_by.map(|by| (by.partition, by.offset)),
            None => None,
        };
        of_copy.is_some_and(|(partition, offset)| {
            partition == origin.partition && offset > origin.offset
        })
    }

    /// Replaces the copy of a key, if it is held.
    fn replace(&mut self, key: &str, outcome: Outcome) {
        let Some(as_of) = self.held.peek(key).map(|copy| copy.as_of) else { return };
        self.hold(key, Arc::new(LookupResult { outcome: Some(outcome) }), as_of);
    }

    fn hold(&mut self, key: &str, result: Arc<LookupResult>, as_of: KnownAsOf) {
        let bytes = COPY_BYTES + key.len() + result.encoded_len();
        self.held_bytes += bytes;
        // The place of a copy among those that were looked up stays.
        let replaced = match self.held.peek_mut(key) {
            Some(copy) => Some(std::mem::replace(copy, Copy { result, bytes, as_of })),
            None => self.held.put(key.to_owned(), Copy { result, bytes, as_of }),
        };
        self.held_bytes -= replaced.map_or(0, |copy| copy.bytes);
        while self.held_bytes > self.max_bytes
            && let Some((_, copy)) = self.held.pop_lru()
        {
            self.held_bytes -= copy.bytes;
        }
    }

    fn forget(&mut self, key: &str) {
        self.held_bytes -= self.held.pop(key).map_or(0, |copy| copy.bytes);
    }
}

/// A key that is being fetched. Changes of the key are noted until this is dropped.
pub(super) struct Fetch<'a> {
    copies: &'a Mutex<Copies>,
    key: &'a str,
    min_positions: Vec<PartitionOffset>,
    /// Whether the watch will tell all that the answer does not know.
    is_covered: bool,
}

impl<'a> Fetch<'a> {
    pub(super) fn begin(copies: &'a Mutex<Copies>, key: &'a str) -> Self {
        let mut held = lock(copies);
        held.fetch_count += 1;
        held.fetches.entry(key.to_owned()).or_default().count += 1;
        let mut min_positions = held.positions.all();
        let is_covered = held.as_of.is_some() && min_positions.len() <= MAX_POSITIONS;
        drop(held);
        if !is_covered {
            min_positions.clear();
        }
        Self { copies, key, min_positions, is_covered }
    }

    /// What the service has to have handled before it answers.
    pub(super) fn min_positions(&self) -> &[PartitionOffset] {
        &self.min_positions
    }

    /// Holds the answer to a request of this moment, if what becomes of it is certain to be told.
    pub(super) fn end(self, response: GetResponse, asked: Instant) -> Result<NearAnswer, Status> {
        let as_of = KnownAsOf::new(asked, response.as_of.as_ref());
        let result = response.result.filter(|result| result.outcome.is_some());
        let result = Arc::new(result.ok_or_else(|| {
            Status::internal("the service answered in a way that this client does not know")
        })?);
        let mut copies = lock(self.copies);
        let has_changed = copies.fetches.get(self.key).is_none_or(|fetches| fetches.has_changed);
        if self.is_covered && !has_changed && is_lasting(&result) {
            copies.hold(self.key, Arc::clone(&result), as_of);
        }
        drop(copies);
        Ok(NearAnswer { result, staleness: as_of.staleness(Instant::now()), is_near: false })
    }
}

impl Drop for Fetch<'_> {
    fn drop(&mut self) {
        let mut copies = lock(self.copies);
        if let Some(fetches) = copies.fetches.get_mut(self.key) {
            fetches.count -= 1;
            if fetches.count == 0 {
                copies.fetches.remove(self.key);
            }
        }
    }
}

/// Whether a change would be told before this is wrong.
fn is_lasting(result: &LookupResult) -> bool {
    let reason = match &result.outcome {
        Some(Outcome::Miss(miss)) => miss.reason(),
        _ => return true,
    };
    !matches!(reason, MissReason::Unspecified | MissReason::Loading | MissReason::Unknown)
}

fn expire_time(result: &LookupResult) -> Option<SystemTime> {
    match &result.outcome {
        Some(Outcome::Entry(entry)) => entry.expire_time?.try_into().ok(),
        _ => None,
    }
}

pub(super) fn lock(copies: &Mutex<Copies>) -> MutexGuard<'_, Copies> {
    copies.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
