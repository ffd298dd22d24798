//! A thread that does one thing again and again: reads a file or a URL that may have changed.
//!
//! It ends when its `Watch` is dropped, which does not wait for it: a server that it asks may be
//! slow. What it reads is not known here.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::heap::{self, Account};

/// How often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// After a success.
    pub(super) interval: Duration,
    /// After a failure.
    pub(super) retry: Duration,
    /// The least, however often it is asked for.
    pub(super) min_pause: Duration,
}

/// The running thread.
#[derive(Debug)]
pub(super) struct Watch(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_asked: bool,
    is_over: bool,
}

impl Pace {
    /// Always the same.
    pub(super) const fn every(interval: Duration) -> Self {
        Self { interval, retry: interval, min_pause: interval }
    }
}

impl Watch {
    /// Starts a thread for this work, which returns whether it succeeded. What it allocates is
    /// charged to `account`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn start(
        name: &str,
        account: &Account,
        pace: Pace,
        mut work: impl FnMut() -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (account, signal) = (account.clone(), Arc::<Signal>::default());
        let asked = Arc::clone(&signal);
        thread::Builder::new().name(name.into()).spawn(move || {
            account.adopt_thread();
            loop {
                let is_good = work();
                heap::flush_if_asked();
                let pause = if is_good { pace.interval } else { pace.retry };
                if asked.wait(pause, pace.min_pause) {
                    return;
                }
            }
        })?;
        Ok(Self(signal))
    }

    /// Asks for a turn now, or as soon as there may be one.
    pub(super) fn ask(&self) {
        let mut state = self.0.state.lock();
        if !state.is_asked {
            state.is_asked = true;
            self.0.changed.notify_all();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.state.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Signal {
    /// Waits for the next turn. Returns whether it is over instead.
    fn wait(&self, pause: Duration, min_pause: Duration) -> bool {
        let start = Instant::now();
        let mut state = self.state.lock();
        while !state.is_over {
            let end = start + if state.is_asked { min_pause.min(pause) } else { pause };
            if Instant::now() >= end {
                break;
            }
            self.changed.wait_until(&mut state, end);
        }
        state.is_asked = false;
        state.is_over
    }
}
