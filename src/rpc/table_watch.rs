//! `Watch`: the changes of a table as they are made, and on request the current entries before them.
//!
//! ```text
//! ChangeReader -> changes, some at a time -> filter -> events, a response at a time
//! TableWalk    -> current entries (between the changes, until all are sent)
//! ```
//!
//! A watch reads changes only as the caller takes the responses, and then falls behind the table. A
//! position in the changes says what was sent, and a caller goes on from there. Current entries are read
//! after the position was taken, so no change is missing. What changes meanwhile comes twice.

mod filter;
mod page;
mod request;
mod snapshot;

use std::time::{Duration, Instant as StdInstant};

use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::Status;

use super::call::Call;
use super::convert::to_duration;
use super::costs::CallCost;
use super::errors;
use super::field_mask::FieldMask;
use super::fresh_tables::FreshTables;
use super::freshness::Freshness;
use super::page::{List, token_after, token_place};
use super::pool::{Permit, Purpose};
use super::response::{FinishedResponse, ResponseBuffer};
use super::scan::Walks;
use super::streamed::{MessageSource, NextMessage};
use super::validation::validate;
use crate::proto::v1::watch_event::Event;
use crate::proto::v1::{AsOf, PartitionOffset, SnapshotComplete, WatchProgress, WatchStarted};
use crate::table::{ChangeReader, Changes, Overtaken, Table};
use filter::KeyFilter;
use page::{EventWriter, put_event, put_token};
pub(super) use request::WatchRequest;
use snapshot::Snapshot;

/// So many bytes of changes are read at a time.
const READ_BYTES: usize = 8 << 10;
/// Changes that come one by one are gathered for so long. So a busy table wakes its watchers seldom.
const GATHER: Duration = Duration::from_millis(1);
/// Between two responses with current entries, changes are read at most so often.
const READS_BETWEEN_PAGES: u32 = 16;

/// The events of one call.
pub(super) struct Watch {
    tables: FreshTables,
    request: WatchRequest,
    filter: KeyFilter,
    mask: FieldMask,
    reader: ChangeReader,
    changes: Changes,
    /// None once the current entries are sent, or if they are not wanted.
    snapshot: Option<Snapshot>,
    /// Events that are sent before all others.
    pending: Vec<Event>,
    progress: ProgressTimer,
    end: Option<Status>,
    /// What the request holds of the pool.
    _held: Permit,
    /// What the changes hold of it.
    held_by_changes: Permit,
}

/// When to say how far the watch has come.
struct ProgressTimer {
    begin: Instant,
    interval: Duration,
    next: Instant,
    /// What was known when the changes ended at this position. Sent once the watch is there.
    taken: Option<(u64, WatchProgress)>,
    /// What was sent last, or could have been.
    last: WatchProgress,
}

impl Watch {
    /// The watch that a request asks for, whose bytes are held by this permit.
    pub(super) async fn begin(
        tables: &FreshTables,
        walks: &Walks,
        call: &Call,
        (request, held): (WatchRequest, Permit),
    ) -> Result<Self, Status> {
        let begin = Instant::now();
        validate(request.violations())?;
        let (name, freshness) = (request.table(), request.freshness());
        let table = tables.find(name)?;
        let mask = FieldMask::of(request.fields(), table.fields());
        let mask = mask.map_err(|violation| errors::invalid_request(vec![violation]))?;
        let position = position_of(table, &request)?;
        tables.wait_for_positions(name, freshness, call.deadline()).await?;
        let (table, state) = tables.find_fresh(name, freshness)?;
        let as_of = Some(state.as_of(table));
        let mut reader = table.watch();
        let resumed = position.is_some_and(|position| reader.seek(position));
        if !request.resume_token.is_empty() && !resumed && !request.include_current {
            return Err(errors::watch_position_gone(name));
        }
        let sends_current = request.include_current && !resumed;
        let filter = KeyFilter::new(&request);
        let snapshot = sends_current.then(|| Snapshot::begin(table, walks, &filter, call));
        let started = WatchStarted { resumed, sends_current, as_of };
        let progress = ProgressTimer::new(begin, request.progress_interval());
        Ok(Self {
            tables: tables.clone(),
            request,
            filter,
            mask,
            reader,
            changes: Changes::default(),
            snapshot,
            pending: vec![Event::Started(started)],
            progress,
            end: None,
            _held: held,
            held_by_changes: call.share().new_permit(Purpose::Request),
        })
    }

    async fn next_message(&mut self, call: &Call) -> Result<Option<FinishedResponse>, Status> {
        let mut reads = 0;
        loop {
            if !self.pending.is_empty() {
                return self.send_pending(call).await.map(Some);
            }
            if let Some(status) = self.end.take() {
                return Err(status);
            }
            if !self.changes.is_empty() {
                if let Some(response) = self.send_changes(call).await? {
                    return Ok(Some(response));
                }
                // Others on this thread get their turn, though nothing of this was wanted.
                yield_now().await;
                continue;
            }
            let is_page_due = self.snapshot.is_some() && reads >= READS_BETWEEN_PAGES;
            if !is_page_due && self.read_changes(call)? {
                reads += 1;
                continue;
            }
            reads = 0;
            if let Some(response) = self.send_current(call).await? {
                return Ok(Some(response));
            }
            self.note_progress();
            if self.pending.is_empty() && self.snapshot.is_none() {
                // One that waits holds nothing of the pool.
                self.changes = Changes::default();
                self.held_by_changes.shrink_to(0);
                self.wait().await;
            }
        }
    }

    /// Reads the next changes. False if there are none.
    fn read_changes(&mut self, call: &Call) -> Result<bool, Status> {
        if self.reader.position() == self.reader.end() {
            return Ok(false);
        }
        if self.reader.read(READ_BYTES, &mut self.changes) == Err(Overtaken) {
            // Then it is known up to where the caller has all.
            self.pending.push(Event::Progress(self.progress.last.clone()));
            self.end = Some(errors::watch_overtaken(self.request.table()));
            return Ok(true);
        }
        let bytes = self.changes.bytes();
        self.held_by_changes.shrink_to(bytes);
        let grown = self.held_by_changes.grow_to(bytes);
        grown.map_err(|cause| call.share().shed_call(cause))?;
        if self.changes.iter().next().is_none() {
            // The token was made up.
            return Err(errors::watch_position_gone(self.request.table()));
        }
        Ok(true)
    }

    /// Sends the next of the changes that were read; none if the caller wants none of them.
    async fn send_changes(&mut self, call: &Call) -> Result<Option<FinishedResponse>, Status> {
        let begin = StdInstant::now();
        let (table, snapshot) = (self.table()?, self.snapshot.as_ref());
        let writer = EventWriter::new(table, &self.mask);
        let (mut position, mut events) = (0, 0);
        let mut write = |buffer: &mut ResponseBuffer| {
            (position, events) = writer.put_changes(&self.changes, &self.filter, buffer);
            if snapshot.is_none() {
                put_token(&token(table, &self.request, position), buffer);
            }
        };
        if !self.changes.iter().any(|change| self.filter.includes(change.key)) {
            self.changes.take_until(u64::MAX);
            return Ok(None);
        }
        let response = call.respond(|_, buffer| {
            write(buffer);
            Ok(())
        });
        let response = response.await?;
        self.changes.take_until(position);
        self.count(call, events, begin, &response);
        Ok(Some(response))
    }

    /// Sends the next current entries. None if there are none to send.
    async fn send_current(&mut self, call: &Call) -> Result<Option<FinishedResponse>, Status> {
        let begin = StdInstant::now();
        let table = self.tables.find(self.request.table())?;
        let Some(snapshot) = &mut self.snapshot else { return Ok(None) };
        if snapshot.is_complete_at(self.reader.position()) {
            self.snapshot = None;
            self.pending.push(Event::SnapshotComplete(SnapshotComplete {}));
            return Ok(None);
        }
        let writer = EventWriter::new(table, &self.mask);
        let sent = snapshot.send(call, &writer, &self.reader).await?;
        let Some((response, entries)) = sent else { return Ok(None) };
        self.count(call, entries, begin, &response);
        Ok(Some(response))
    }

    /// Notes that progress is to be sent, if it is time for that and all before it is sent.
    fn note_progress(&mut self) {
        if self.snapshot.is_some() {
            return;
        }
        if self.progress.taken.is_none() && Instant::now() >= self.progress.next {
            // In this order: what was handled at these positions is before that end.
            let progress = self.progress_now();
            self.progress.taken = Some((self.reader.end(), progress));
        }
        if let Some(progress) = self.progress.reach(self.reader.position()) {
            self.pending.push(Event::Progress(progress));
        }
    }

    fn progress_now(&self) -> WatchProgress {
        let name = self.request.table();
        // Before the rest is looked at, so that its age is never understated.
        let since_start = Some(to_duration(self.progress.begin.elapsed()));
        let as_of = self.as_of();
        let positions = self.tables.positions(name).into_iter();
        let positions = positions.map(|(partition, offset)| PartitionOffset { partition, offset });
        WatchProgress { positions: positions.collect(), as_of, since_start }
    }

    fn as_of(&self) -> Option<AsOf> {
        let found = self.tables.find_fresh(self.request.table(), &Freshness::default());
        found.ok().map(|(table, state)| state.as_of(table))
    }

    /// Waits for a change, or until it is time for progress.
    async fn wait(&self) {
        tokio::select! {
            () = self.reader.changed() => sleep(GATHER).await,
            () = sleep_until(self.progress.next) => {}
        }
    }

    async fn send_pending(&mut self, call: &Call) -> Result<FinishedResponse, Status> {
        let table = self.table()?;
        let position = self.reader.position();
        let response = call.respond(|_, buffer| {
            for event in &self.pending {
                put_event(event.clone(), buffer);
            }
            if self.snapshot.is_none() && self.end.is_none() {
                put_token(&token(table, &self.request, position), buffer);
            }
            Ok(())
        });
        let response = response.await?;
        self.pending.clear();
        Ok(response)
    }

    fn table(&self) -> Result<&Table, Status> {
        self.tables.find(self.request.table()).map(AsRef::as_ref)
    }

    fn count(&self, call: &Call, keys: usize, begin: StdInstant, response: &FinishedResponse) {
        let answer_bytes = response.total_bytes() as u64;
        let cost = CallCost { answer_bytes, busy: begin.elapsed(), ..CallCost::default() };
        call.add_keys(self.request.table(), keys, cost);
    }
}

impl MessageSource for Watch {
    fn next<'a>(&'a mut self, call: &'a Call) -> NextMessage<'a> {
        Box::pin(self.next_message(call))
    }
}

impl ProgressTimer {
    fn new(begin: Instant, interval: Duration) -> Self {
        let (next, last) = (Instant::now() + interval, WatchProgress::default());
        Self { begin, interval, next, taken: None, last }
    }

    /// What is to be said now that the watch has reached this position, if anything.
    fn reach(&mut self, position: u64) -> Option<WatchProgress> {
        let (_, progress) = self.taken.take_if(|(end, _)| position >= *end)?;
        self.next = Instant::now() + self.interval;
        self.last = progress.clone();
        Some(progress)
    }
}

/// The token of a position in the changes. It means something to the same request only.
fn token(table: &Table, request: &WatchRequest, position: u64) -> String {
    let list = List::Watch(table.name(), request.prefix());
    token_after(list, (position, &request.token_text(table.instance())))
}

/// The position that a request goes on from; none if it has none, or one in another process.
fn position_of(table: &Table, request: &WatchRequest) -> Result<Option<u64>, Status> {
    let list = List::Watch(table.name(), request.prefix());
    let place = token_place(list, ("resume_token", &request.resume_token))?;
    let own = |(_, text): &(u64, String)| *text == request.token_text(table.instance());
    Ok(place.filter(own).map(|(position, _)| position))
}
