//! Snapshots for any number of callers: those that wait share the next one, and those that watch
//! share the one of their tick.
//!
//! A snapshot begins after every call came that it answers, so it shows all that happened before the
//! call was sent. It begins after the tick that it is for. Between snapshots their thread rests nine times as long as one took. So statistics
//! take at most a tenth of one core, however many callers ask.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use prost::Message as _;
use prost::bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Instant as TokioInstant, timeout_at};
use tonic::Status;

use super::deadline::Deadline;
use super::errors;
use super::worker::MAX_WAIT;
use crate::heap;
use crate::proto::v1::GetStatsResponse;
use crate::stats::TakeSnapshot;
use crate::threads::IdleThread;

const NAME: &str = "statistics";
/// Calls that may wait for one snapshot. Each takes some hundred bytes.
const MAX_WAITING: usize = 4_096;
/// How many times as long as a snapshot takes its thread rests.
const REST: u32 = 9;

/// Takes snapshots on a thread of its own, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Snapshots {
    line: Arc<Line>,
    epoch: TokioInstant,
}

/// The snapshots as one who watches gets them.
#[derive(Debug)]
pub(super) struct SnapshotWatch(Arc<Snapshots>);

/// Gets an encoded `GetStatsResponse`, which all that wait share.
#[derive(Debug)]
struct Call {
    /// The snapshot must not begin before this.
    due: Instant,
    reply: oneshot::Sender<Bytes>,
}

/// The calls that wait for the next snapshot.
#[derive(Debug, Default)]
struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Call>,
    /// How many watch. The last snapshot is kept for them.
    watchers: usize,
    last: Option<Taken>,
    is_over: bool,
}

/// A snapshot, and when it began.
#[derive(Debug, Clone)]
struct Taken {
    began: Instant,
    snapshot: Bytes,
}

impl Snapshots {
    /// Takes them on this thread.
    pub(super) fn new(take_snapshot: TakeSnapshot, thread: IdleThread) -> Self {
        let line = Arc::new(Line::default());
        let calls = Arc::clone(&line);
        thread.run(move || {
            while calls.wait() {
                let began = Instant::now();
                let response = GetStatsResponse::from(take_snapshot());
                calls.answer(&Taken { began, snapshot: response.encode_to_vec().into() });
                heap::flush_if_asked();
                calls.rest_until(Instant::now() + began.elapsed() * REST);
            }
        });
        Self { line, epoch: TokioInstant::now() }
    }

    /// The snapshots for one more who watches.
    pub(super) fn watch(snapshots: &Arc<Self>) -> SnapshotWatch {
        snapshots.line.state.lock().watchers += 1;
        SnapshotWatch(Arc::clone(snapshots))
    }

    /// The next snapshot, as an encoded `GetStatsResponse`.
    pub(super) async fn next(&self, deadline: Deadline) -> Result<Bytes, Status> {
        self.due(Instant::now(), deadline).await
    }

    /// A snapshot that begins at this time or later.
    async fn due(&self, due: Instant, deadline: Deadline) -> Result<Bytes, Status> {
        let (reply, snapshot) = oneshot::channel();
        if !self.line.push(Call { due, reply }) {
            return Err(errors::busy(NAME));
        }
        let in_time = timeout_at(deadline.wait_end(MAX_WAIT), snapshot).await;
        in_time.map_err(|_| errors::busy(NAME))?.map_err(|_| errors::draining())
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        self.line.state.lock().is_over = true;
        self.line.changed.notify_all();
    }
}

impl SnapshotWatch {
    /// The time that ticks are counted from.
    pub(super) fn epoch(&self) -> TokioInstant {
        self.0.epoch
    }

    /// A snapshot that began at this time or later, as an encoded `GetStatsResponse`.
    pub(super) async fn since(
        &self,
        time: TokioInstant,
        deadline: Deadline,
    ) -> Result<Bytes, Status> {
        match self.0.line.last_since(time.into_std()) {
            Some(snapshot) => Ok(snapshot),
            None => self.0.due(time.into_std(), deadline).await,
        }
    }
}

impl Drop for SnapshotWatch {
    fn drop(&mut self) {
        self.0.line.end_watch();
    }
}

impl Line {
    /// Whether there is room for one more call.
    fn push(&self, call: Call) -> bool {
        let mut state = self.state.lock();
        if state.waiting.len() >= MAX_WAITING {
            // Those that have ended make room for the others.
            state.waiting.retain(|call| !call.reply.is_closed());
        }
        let has_room = state.waiting.len() < MAX_WAITING;
        if has_room {
            state.waiting.push(call);
            self.changed.notify_all();
        }
        has_room
    }

    /// Waits until there is a call. False if there will be no more.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| state.waiting.is_empty() && !state.is_over);
        !state.is_over
    }

    /// Answers the calls that this snapshot did not begin too early for, and keeps it for those who
    /// watch.
    fn answer(&self, taken: &Taken) {
        let mut state = self.state.lock();
        let answered: Vec<_> =
            state.waiting.extract_if(.., |call| call.due <= taken.began).collect();
        state.last = Some(taken.clone()).filter(|_| state.watchers > 0);
        drop(state);
        for call in answered {
            let _ = call.reply.send(taken.snapshot.clone());
        }
    }

    /// The last snapshot, if it began at this time or later.
    fn last_since(&self, time: Instant) -> Option<Bytes> {
        let state = self.state.lock();
        let last = state.last.as_ref().filter(|last| last.began >= time)?;
        Some(last.snapshot.clone())
    }

    fn end_watch(&self) {
        let mut state = self.state.lock();
        state.watchers = state.watchers.saturating_sub(1);
        if state.watchers == 0 {
            state.last = None;
        }
    }

    fn rest_until(&self, end: Instant) {
        let mut state = self.state.lock();
        while !state.is_over && !self.changed.wait_until(&mut state, end).timed_out() {}
    }
}

#[cfg(test)]
mod tests;
