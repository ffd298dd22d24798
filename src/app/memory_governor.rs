//! Keeps the process inside its memory limit: watches what counts against it, and has
//! pages given back, entries evicted and the stream paused, in that order and back.
//!
//! Follows a limit that changes while it runs, and has the books checked as long as it has
//! nothing else to do. Lookups are never its business.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::books::Books;
use super::table_limits::TableLimits;
use crate::config::Config;
use crate::heap::{self, Account};
use crate::ingest::PauseHandle;
use crate::memory::{Budget, Limit, Needs, OverBudget, Pressure, Stage, Usage};

/// How often the limit is read, and what counts against it. A step of the stages each time:
/// from nothing to a paused stream it is three of them. A limit that is lowered to what is
/// in use leaves no longer than this.
const INTERVAL: Duration = Duration::from_millis(25);
/// How often the books are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What the governor goes by at the moment.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) budget: Budget,
    pub(super) pressure: Pressure,
}

impl Kept {
    pub(super) fn limit(&self) -> &Limit {
        self.budget.limit()
    }
}

/// The running governor; its thread ends when this is dropped.
pub(super) struct MemoryGovernor {
    kept: Arc<Mutex<Kept>>,
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the governor works on.
pub(super) struct GovernorInputs {
    pub(super) config: Config,
    pub(super) needs: Needs,
    pub(super) budget: Budget,
    pub(super) levels: TableLimits,
    pub(super) pause_handle: PauseHandle,
    pub(super) books: Arc<Books>,
}

impl MemoryGovernor {
    /// Starts the thread, on `account`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn spawn(inputs: GovernorInputs, account: &Account) -> io::Result<Self> {
        let GovernorInputs { config, needs, budget, levels, pause_handle, books } = inputs;
        let usage = Usage::against(budget.limit());
        let kept = Arc::new(Mutex::new(Kept { budget, pressure: Pressure::default() }));
        let (stop, stopped) = mpsc::sync_channel::<()>(0);
        let (checked, own) = (Instant::now(), Arc::clone(&kept));
        let mut watch =
            Watch { config, needs, usage, levels, pause_handle, books, checked, kept: own };
        let account = account.clone();
        let thread = thread::Builder::new().name("memory-governor".into()).spawn(move || {
            account.adopt_thread();
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                watch.turn();
            }
        })?;
        Ok(Self { kept, stop: Some(stop), thread: Some(thread) })
    }

    /// Reads what the governor goes by.
    pub(super) fn reader(&self) -> impl Fn() -> Kept + Send + Sync + 'static {
        let kept = Arc::clone(&self.kept);
        move || lock(&kept).clone()
    }
}

impl Drop for MemoryGovernor {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there was reported by the thread itself.
            let _ = thread.join();
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread's own.
struct Watch {
    config: Config,
    needs: Needs,
    usage: Usage,
    levels: TableLimits,
    pause_handle: PauseHandle,
    books: Arc<Books>,
    checked: Instant,
    kept: Arc<Mutex<Kept>>,
}

impl Watch {
    fn turn(&mut self) {
        heap::flush_if_asked();
        self.follow_limit();
        let limit_bytes = lock(&self.kept).limit().bytes;
        // What cannot be read is not nothing: everything stays as it is.
        let Some(current_bytes) = self.current_bytes(limit_bytes) else { return };
        let changed = lock(&self.kept).pressure.step(current_bytes, limit_bytes);
        if let Some(stage) = changed {
            say(stage, current_bytes, limit_bytes);
            self.pause_handle.set_paused(stage == Stage::Pausing);
        }
        let stage = lock(&self.kept).pressure.stage();
        if stage == Stage::Normal {
            self.levels.raise();
            self.check_books();
            return;
        }
        if stage >= Stage::Evicting {
            let enough_bytes = Stage::Evicting.leave_below_bytes(limit_bytes);
            self.levels.lower_by(current_bytes.saturating_sub(enough_bytes));
        }
        heap::purge();
    }

    fn check_books(&mut self) {
        if self.checked.elapsed() >= CHECK_INTERVAL {
            self.checked = Instant::now();
            self.books.check();
        }
    }

    /// Files that the system caches are left out, but only where it matters: it is dearer.
    fn current_bytes(&self, limit_bytes: u64) -> Option<u64> {
        let bytes = self.usage.bytes()?;
        let matters = bytes >= Stage::GivingBack.leave_below_bytes(limit_bytes);
        if matters { self.usage.pressing_bytes() } else { Some(bytes) }
    }

    /// Divides a limit anew that is another than before.
    fn follow_limit(&mut self) {
        let limit = match Budget::limit_now(&self.config) {
            Ok(limit) => limit,
            // There is less by now than what is configured.
            Err(OverBudget::Limit { there_is, .. }) => there_is,
            Err(_) => return,
        };
        let before = lock(&self.kept).limit().clone();
        if limit.bytes == before.bytes {
            return;
        }
        // First of all: a lower one may be all but reached.
        heap::purge();
        self.usage = Usage::against(&limit);
        let budget = Budget::plan_within(limit.clone(), &self.config, self.needs);
        let fits = budget.is_ok();
        // Where the sum does not come out the tables get as little as they work with.
        let budget = budget.unwrap_or_else(|_| lock(&self.kept).budget.with_least(limit));
        tracing::warn!(
            bytes = budget.limit().bytes,
            before_bytes = before.bytes,
            fits,
            "the memory limit has changed"
        );
        self.levels.set_capacities(budget.capacities().copied());
        lock(&self.kept).budget = budget;
    }
}

fn say(stage: Stage, current_bytes: u64, limit_bytes: u64) {
    match stage {
        Stage::Normal => {
            tracing::info!(current_bytes, limit_bytes, "memory is not short any more");
        }
        Stage::GivingBack => {
            tracing::info!(current_bytes, limit_bytes, "memory is short, giving pages back");
        }
        Stage::Evicting => {
            tracing::warn!(current_bytes, limit_bytes, "memory is short, evicting entries");
        }
        Stage::Pausing => {
            tracing::warn!(current_bytes, limit_bytes, "memory is short, pausing the stream");
        }
    }
}
