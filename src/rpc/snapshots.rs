//! Snapshots for any number of callers: those that wait share the next one.
//!
//! A snapshot begins after every call came that it answers, so it shows all that happened before the
//! call was sent. Between snapshots their thread rests nine times as long as one took. So statistics
//! take at most a tenth of one core, however many callers ask.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use prost::Message as _;
use prost::bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::timeout_at;
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
pub(super) struct Snapshots(Arc<Line>);

/// Gets an encoded `GetStatsResponse`, which all that wait share.
type Call = oneshot::Sender<Bytes>;

/// The calls that wait for the next snapshot.
#[derive(Debug, Default)]
struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Call>,
    is_over: bool,
}

impl Snapshots {
    /// Takes them on this thread.
    pub(super) fn new(take_snapshot: TakeSnapshot, thread: IdleThread) -> Self {
        let line = Arc::new(Line::default());
        let calls = Arc::clone(&line);
        thread.run(move || {
            while let Some(waiting) = calls.take() {
                let began = Instant::now();
                let response = GetStatsResponse::from(take_snapshot());
                let snapshot = Bytes::from(response.encode_to_vec());
                for call in waiting {
                    let _ = call.send(snapshot.clone());
                }
                heap::flush_if_asked();
                calls.rest_until(Instant::now() + began.elapsed() * REST);
            }
        });
        Self(line)
    }

    /// The next snapshot, as an encoded `GetStatsResponse`.
    pub(super) async fn next(&self, deadline: Deadline) -> Result<Bytes, Status> {
        let (call, snapshot) = oneshot::channel();
        if !self.0.push(call) {
            return Err(errors::busy(NAME));
        }
        let in_time = timeout_at(deadline.wait_end(MAX_WAIT), snapshot).await;
        in_time.map_err(|_| errors::busy(NAME))?.map_err(|_| errors::draining())
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        self.0.state.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Line {
    /// Whether there is room for one more call.
    fn push(&self, call: Call) -> bool {
        let mut state = self.state.lock();
        if state.waiting.len() >= MAX_WAITING {
            // Those that have ended make room for the others.
            state.waiting.retain(|call| !call.is_closed());
        }
        let has_room = state.waiting.len() < MAX_WAITING;
        if has_room {
            state.waiting.push(call);
            self.changed.notify_all();
        }
        has_room
    }

    /// Waits for calls, and takes all that wait. None if there will be no more.
    fn take(&self) -> Option<Vec<Call>> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| state.waiting.is_empty() && !state.is_over);
        (!state.is_over).then(|| std::mem::take(&mut state.waiting))
    }

    fn rest_until(&self, end: Instant) {
        let mut state = self.state.lock();
        while !state.is_over && !self.changed.wait_until(&mut state, end).timed_out() {}
    }
}

#[cfg(test)]
mod tests;
