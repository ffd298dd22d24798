//! The copies, and how old they may be.
//!
//! A copy is never older than is said of it. Two things see to that. Only what the watched process says is
//! held, since the watch tells of its changes alone. And a key that changes while it is fetched is not held,
//! as nobody knows which came first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use lru::LruCache;
use prost::Message;
use tonic::Status;

use super::answer::{NearAnswer, NearCacheStats};
use crate::Client;
use crate::v1::lookup_result::Outcome;
use crate::v1::watch_event::Event;
use crate::v1::{
    AsOf, Entry, GetResponse, LookupResult, Miss, MissReason, PartitionOffset, RemovalCause,
    RemovedEntry, WatchProgress,
};

/// What a copy takes beside its key and its encoded entry, about.
const COPY_BYTES: usize = 256;

/// The copies of one table.
#[derive(Debug)]
pub(super) struct Copies {
    held: LruCache<String, Copy>,
    held_bytes: usize,
    max_bytes: usize,
    fetches: HashMap<String, Fetches>,
    /// Makes calls to the process that is watched. None while none is.
    watched: Option<Client>,
    /// The last record of each partition, as the watch told last.
    told: BTreeMap<i32, i64>,
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
    /// Changes of the key since the first of them began.
    changes: u64,
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
        Some(self.staleness?.saturating_add(now.saturating_duration_since(self.at)))
    }
}

impl Copies {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            held: LruCache::unbounded(),
            held_bytes: 0,
            max_bytes,
            fetches: HashMap::new(),
            watched: None,
            told: BTreeMap::new(),
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

    /// The watch goes on, or has begun, by this client.
    pub(super) fn go_on(&mut self, pinned: &Client) {
        if self.watched.is_none() {
            self.watched = Some(pinned.clone());
            self.fault = None;
        }
    }

    /// The watch ended. From here on nobody tells of changes.
    pub(super) fn end_watch(&mut self, fault: Status) {
        self.watched = None;
        self.fault = Some(fault);
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
        self.told.clear();
        self.as_of = None;
        self.fetches.values_mut().for_each(|fetches| fetches.changes += 1);
    }

    fn store(&mut self, entry: Entry) {
        self.note_change(&entry.key);
        let record = entry.origin.map(|origin| (origin.partition, origin.offset));
        let key = entry.key.clone();
        self.replace(&key, record, Outcome::Entry(entry));
    }

    fn remove(&mut self, removed: &RemovedEntry) {
        self.note_change(&removed.key);
        let record = removed.origin.map(|origin| (origin.partition, origin.offset));
        let miss = match (removed.cause(), removed.deleted_by) {
            (RemovalCause::Deleted, Some(by)) => {
                let reason = MissReason::Deleted.into();
                Miss { reason, time: None, deleted_by: Some(by) }
            }
            (RemovalCause::Expired, _) => {
                let reason = MissReason::Expired.into();
                Miss { reason, time: removed.expire_time, deleted_by: None }
            }
            // The service knows more of it: an entry that was evicted may come back, and a topic may
            // have been created anew.
            _ => return self.forget(&removed.key),
        };
        self.replace(&removed.key, record, Outcome::Miss(miss));
    }

    fn progress(&mut self, progress: &WatchProgress, asked: Instant) {
        let position = |position: &PartitionOffset| (position.partition, position.offset);
        let told: BTreeMap<_, _> = progress.positions.iter().map(position).collect();
        let went_back = |(partition, offset): (&i32, &i64)| {
            self.told.get(partition).is_some_and(|before| offset < before)
        };
        if told.iter().any(went_back) {
            // The topic was created anew, so offsets say nothing of what is newer.
            self.forget_all();
        }
        self.told = told;
        let since_start = progress.since_start.and_then(|since| Duration::try_from(since).ok());
        // An older service does not say it. Then all is as old as the watch.
        let at = asked.checked_add(since_start.unwrap_or_default()).unwrap_or(asked);
        self.as_of = Some(KnownAsOf::new(at.min(Instant::now()), progress.as_of.as_ref()));
    }

    fn note_change(&mut self, key: &str) {
        if let Some(fetches) = self.fetches.get_mut(key) {
            fetches.changes += 1;
        }
    }

    /// Replaces the copy of a key, if it is held, by what became of it with this record.
    fn replace(&mut self, key: &str, record: Option<Record>, outcome: Outcome) {
        let Some(copy) = self.held.peek(key) else { return };
        let mut as_of = copy.as_of;
        match (record_of(&copy.result), record) {
            // It was fetched after this change was made, and before it was told.
            (Some((of, known)), Some((partition, offset))) if of == partition => {
                if known > offset {
                    return;
                }
            }
            // Perhaps this is older than what was fetched. The watch alone says then how old it is.
            _ => as_of.staleness = None,
        }
        self.hold(key, Arc::new(LookupResult { outcome: Some(outcome) }), as_of);
    }

    fn hold(&mut self, key: &str, result: Arc<LookupResult>, as_of: KnownAsOf) {
        let bytes = COPY_BYTES + key.len() + result.encoded_len();
        if bytes > self.max_bytes {
            return self.forget(key);
        }
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
    watched: Option<Client>,
    changes: u64,
}

impl<'a> Fetch<'a> {
    pub(super) fn begin(copies: &'a Mutex<Copies>, key: &'a str) -> Self {
        let mut held = lock(copies);
        held.fetch_count += 1;
        let watched = held.watched.clone();
        let fetches = held.fetches.entry(key.to_owned()).or_default();
        fetches.count += 1;
        let changes = fetches.changes;
        Self { copies, key, watched, changes }
    }

    /// Makes calls to the process that is watched. None if none is.
    pub(super) fn watched(&self) -> Option<&Client> {
        self.watched.as_ref()
    }

    /// Holds the answer of the process that is watched to a request of this moment, if what becomes of it
    /// is certain to be told.
    pub(super) fn end(self, response: GetResponse, asked: Instant) -> Result<NearAnswer, Status> {
        let as_of = KnownAsOf::new(asked, response.as_of.as_ref());
        let answer = answer(response, asked)?;
        let mut copies = lock(self.copies);
        let changes = copies.fetches.get(self.key).map(|fetches| fetches.changes);
        // Before the first progress nobody knows how old a copy is.
        let is_told = copies.as_of.is_some() && changes == Some(self.changes);
        if is_told && is_lasting(&answer.result) {
            copies.hold(self.key, Arc::clone(&answer.result), as_of);
        }
        drop(copies);
        Ok(answer)
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

/// The answer of a service to a request of this moment.
pub(super) fn answer(response: GetResponse, asked: Instant) -> Result<NearAnswer, Status> {
    let as_of = KnownAsOf::new(asked, response.as_of.as_ref());
    let result = response.result.filter(|result| result.outcome.is_some()).ok_or_else(|| {
        Status::internal("the service answered in a way that this client does not know")
    })?;
    let staleness = as_of.staleness(Instant::now());
    Ok(NearAnswer { result: Arc::new(result), staleness, is_near: false })
}

/// Whether a change would be told before this is wrong.
fn is_lasting(result: &LookupResult) -> bool {
    let reason = match &result.outcome {
        Some(Outcome::Miss(miss)) => miss.reason(),
        _ => return true,
    };
    !matches!(reason, MissReason::Unspecified | MissReason::Loading | MissReason::Unknown)
}

/// A partition and an offset.
type Record = (i32, i64);

/// The record that an answer comes from, if it says so.
fn record_of(result: &LookupResult) -> Option<Record> {
    match result.outcome.as_ref()? {
        Outcome::Entry(entry) => entry.origin.map(|origin| (origin.partition, origin.offset)),
        Outcome::Miss(miss) => miss.deleted_by.map(|by| (by.partition, by.offset)),
    }
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
