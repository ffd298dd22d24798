//! Snapshots for the routes of the admin port: at most four a second, however often they are asked
//! for.
//!
//! A scrape within a quarter of a second of the last snapshot gets that one, and scrapes that wait
//! share the next. The snapshots are taken on a thread of their own, so a probe does not wait for
//! them. After a snapshot that took long, the thread rests nine times as long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::heap;
use crate::stats::{Snapshot, TakeSnapshot};
use crate::threads::IdleThread;

/// The time between the beginnings of two snapshots, at least.
const INTERVAL: Duration = Duration::from_millis(250);
/// How many times as long as a snapshot takes its thread rests.
const REST: u32 = 9;

/// The snapshots that all routes share. Clones share them too.
#[derive(Clone)]
pub struct Scrapes(Arc<Handle>);

/// Ends the thread when it is dropped.
struct Handle {
    latest: watch::Receiver<Taken>,
    requests: Arc<Requests>,
}

/// A snapshot, and when its taking began.
#[derive(Clone)]
struct Taken {
    began: Instant,
    snapshot: Arc<Snapshot>,
}

/// Whether somebody waits for the next snapshot.
#[derive(Default)]
struct Requests {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_requested: bool,
    is_over: bool,
}

impl Scrapes {
    /// Takes one snapshot at once, and the later ones on this thread.
    pub fn new(take_snapshot: TakeSnapshot, thread: IdleThread) -> Self {
        let (publish, latest) = watch::channel(take(&take_snapshot));
        let requests = Arc::<Requests>::default();
        let requested = Arc::clone(&requests);
        thread.run(move || {
            let mut rest_end = publish.borrow().began + INTERVAL;
            while requested.wait_for_one(rest_end) {
                let taken = take(&take_snapshot);
                rest_end = taken.began + INTERVAL.max(taken.began.elapsed() * (REST + 1));
                publish.send_replace(taken);
                heap::flush_if_asked();
            }
        });
        Self(Arc::new(Handle { latest, requests }))
    }

    /// A snapshot whose taking began at most a quarter of a second before this call, or later. It
    /// is older only if the thread has failed.
    pub async fn current(&self) -> Arc<Snapshot> {
        let asked = Instant::now();
        let mut latest = self.0.latest.clone();
        if !latest.borrow().is_fresh_at(asked) {
            self.0.requests.add();
        }
        let taken = latest.wait_for(|latest| latest.is_fresh_at(asked)).await;
        let fresh = taken.ok().map(|taken| Arc::clone(&taken.snapshot));
        fresh.unwrap_or_else(|| Arc::clone(&self.0.latest.borrow().snapshot))
    }
}

fn take(take_snapshot: &TakeSnapshot) -> Taken {
    let began = Instant::now();
    Taken { began, snapshot: Arc::new(take_snapshot()) }
}

impl Taken {
    fn is_fresh_at(&self, time: Instant) -> bool {
        time.saturating_duration_since(self.began) < INTERVAL
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.requests.state.lock().is_over = true;
        self.requests.changed.notify_all();
    }
}

impl Requests {
    fn add(&self) {
        self.state.lock().is_requested = true;
        self.changed.notify_all();
    }

    /// Waits until `rest_end`, and then for a request. Returns false when there will be no more.
    fn wait_for_one(&self, rest_end: Instant) -> bool {
        let mut state = self.state.lock();
        while !state.is_over && !self.changed.wait_until(&mut state, rest_end).timed_out() {}
        self.changed.wait_while(&mut state, |state| !state.is_requested && !state.is_over);
        state.is_requested = false;
        !state.is_over
    }
}

#[cfg(test)]
mod tests;
