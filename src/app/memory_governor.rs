//! Keeps the process inside its memory limit.
//!
//! One thread reads the limit and the usage again and again. As memory gets short it purges
//! freed pages, then sheds what callers hold, then evicts entries by lowering the limits of the
//! tables, then pauses the stream; it goes back in reverse order. When the container's limit changes
//! it plans the budget again. While memory is not short the thread also runs the counter check. Lookups
//! are served at every stage. The thread also lets the clock follow the system's, since nobody
//! else wakes as often.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::counter_check::CounterCheck;
use super::table_limits::TableLimits;
use crate::clock::{Clock, Step};
use crate::config::Config;
use crate::heap::{self, Account};
use crate::ingest::{PauseHandle, WakeHandle};
use crate::memory::{Budget, BudgetError, Limit, Needs, Pressure, Stage, Usage};
use crate::rpc::BytePool;

/// How often the limit and the usage are read. Each reading moves the pressure by one stage
/// at most, so it takes three from a normal to a paused stream. The interval is short because
/// a lowered limit may be all but reached.
const INTERVAL: Duration = Duration::from_millis(25);
/// How often the counters are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The budget and the pressure at one moment.
#[derive(Debug, Clone)]
pub(super) struct GovernorState {
    pub(super) budget: Budget,
    pub(super) pressure: Pressure,
}

impl GovernorState {
    pub(super) fn limit(&self) -> &Limit {
        self.budget.limit()
    }
}

/// Reads the state of the governor, also after its end.
pub(super) struct GovernorStateReader(Arc<Mutex<GovernorState>>);

impl GovernorStateReader {
    pub(super) fn read(&self) -> GovernorState {
        self.0.lock().clone()
    }
}

/// The running governor; its thread ends when this is dropped.
pub(super) struct MemoryGovernor {
    state: Arc<Mutex<GovernorState>>,
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the governor needs: the figures to plan with, and the parts that it acts on.
pub(super) struct GovernorInputs {
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) needs: Needs,
    pub(super) budget: Budget,
    pub(super) pool: BytePool,
    pub(super) table_limits: TableLimits,
    pub(super) pause_handle: PauseHandle,
    pub(super) wake_handle: WakeHandle,
    pub(super) counter_check: Arc<CounterCheck>,
}

impl MemoryGovernor {
    /// Starts the thread, charged to `account`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn spawn(inputs: GovernorInputs, account: &Account) -> io::Result<Self> {
        let mut control = ControlLoop::new(inputs);
        let state = Arc::clone(&control.state);
        let (stop, stopped) = mpsc::sync_channel::<()>(0);
        let account = account.clone();
        let thread = thread::Builder::new().name("memory-governor".into()).spawn(move || {
            account.adopt_thread();
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                control.turn();
            }
        })?;
        Ok(Self { state, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn state_reader(&self) -> GovernorStateReader {
        GovernorStateReader(Arc::clone(&self.state))
    }
}

impl Drop for MemoryGovernor {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, the panic was reported by the thread itself.
            let _ = thread.join();
        }
    }
}

/// The governor's thread.
struct ControlLoop {
    config: Config,
    clock: Clock,
    needs: Needs,
    usage: Usage,
    pool: BytePool,
    table_limits: TableLimits,
    pause_handle: PauseHandle,
    wake_handle: WakeHandle,
    counter_check: Arc<CounterCheck>,
    last_check: Instant,
    state: Arc<Mutex<GovernorState>>,
}

impl ControlLoop {
    fn new(inputs: GovernorInputs) -> Self {
        let GovernorInputs {
            config,
            clock,
            needs,
            budget,
            pool,
            table_limits,
            pause_handle,
            wake_handle,
            counter_check,
        } = inputs;
        let usage = Usage::against(budget.limit());
        let state = GovernorState { budget, pressure: Pressure::default() };
        Self {
            config,
            clock,
            needs,
            usage,
            pool,
            table_limits,
            pause_handle,
            wake_handle,
            counter_check,
            last_check: Instant::now(),
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn turn(&mut self) {
        heap::flush_if_asked();
        self.follow_clock();
        self.follow_limit();
        let limit_bytes = self.state.lock().limit().bytes;
        // A usage that cannot be read is not a usage of zero: everything stays as it is.
        let Some(current_bytes) = self.current_bytes(limit_bytes) else { return };
        let stage = self.observe(current_bytes, limit_bytes);
        if stage == Stage::Normal {
            self.pool.end_shedding();
            self.table_limits.raise();
            self.check_counters();
            return;
        }
        if stage >= Stage::Evicting {
            let target_bytes = Stage::Evicting.leave_below_bytes(limit_bytes);
            self.shed_or_evict(current_bytes.saturating_sub(target_bytes));
        } else {
            self.pool.end_shedding();
        }
        heap::purge();
    }

    /// Entries are evicted only when callers hold nothing more that can be shed.
    fn shed_or_evict(&mut self, bytes: u64) {
        let shed_bytes = self.pool.shed(bytes);
        if shed_bytes == 0 {
            self.table_limits.lower_by(bytes);
        } else {
            tracing::debug!(shed_bytes, "shed what callers held");
        }
    }

    fn follow_clock(&self) {
        let Some(step) = self.clock.follow() else { return };
        log_step(&step);
        if step.by_millis < 0 {
            self.wake_handle.wake();
        }
    }

    /// The stage after a reading. Pauses or resumes the stream if the stage has changed.
    fn observe(&self, current_bytes: u64, limit_bytes: u64) -> Stage {
        let changed = self.state.lock().pressure.observe(current_bytes, limit_bytes);
        if let Some(stage) = changed {
            log_stage(stage, current_bytes, limit_bytes);
            self.pause_handle.set_paused(stage == Stage::Paused);
        }
        self.state.lock().pressure.stage()
    }

    fn check_counters(&mut self) {
        if self.last_check.elapsed() >= CHECK_INTERVAL {
            self.last_check = Instant::now();
            self.counter_check.check();
        }
    }

    /// Cached files do not count. To leave them out takes another file to read, so that is
    /// done only near the limit.
    fn current_bytes(&self, limit_bytes: u64) -> Option<u64> {
        let bytes = self.usage.bytes()?;
        let is_near = bytes >= Stage::Purging.leave_below_bytes(limit_bytes);
        if is_near { self.usage.bytes_without_cached_files() } else { Some(bytes) }
    }

    /// Plans the budget again if the limit has changed.
    fn follow_limit(&mut self) {
        let limit = match Budget::current_limit(&self.config) {
            Ok(limit) => limit,
            // The container has less now than the configuration asks for.
            Err(BudgetError::LimitAboveAvailable { available, .. }) => available,
            Err(_) => return,
        };
        let before = self.state.lock().limit().clone();
        if limit.bytes == before.bytes {
            return;
        }
        // First of all: a lower limit may be all but reached.
        heap::purge();
        self.usage = Usage::against(&limit);
        let budget = Budget::plan_within(limit.clone(), &self.config, self.needs);
        let fits = budget.is_ok();
        // Without a budget that fits, the tables get the least that they work with.
        let budget = budget.unwrap_or_else(|_| self.state.lock().budget.with_no_capacities(limit));
        tracing::warn!(
            bytes = budget.limit().bytes,
            before_bytes = before.bytes,
            fits,
            "the memory limit has changed"
        );
        self.table_limits.set_capacities(budget.capacities().copied());
        self.state.lock().budget = budget;
    }
}

fn log_stage(stage: Stage, current_bytes: u64, limit_bytes: u64) {
    match stage {
        Stage::Normal => {
            tracing::info!(current_bytes, limit_bytes, "memory is not short any more");
        }
        Stage::Purging => {
            tracing::info!(current_bytes, limit_bytes, "memory is short, purging freed pages");
        }
        Stage::Evicting => {
            tracing::warn!(current_bytes, limit_bytes, "memory is short, evicting entries");
        }
        Stage::Paused => {
            tracing::warn!(current_bytes, limit_bytes, "memory is short, pausing the stream");
        }
    }
}

fn log_step(step: &Step) {
    tracing::warn!(
        by_seconds = step.by_millis / 1_000,
        followed_in_seconds = step.followed_in_millis / 1_000,
        "the system's clock was set: entries live on as before, and millpond's clock follows slowly"
    );
}
