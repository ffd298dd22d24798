//! The state of the outage run that its threads share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use millpond_acceptance::producer::Delivered;
use millpond_acceptance::stop::Stop;

/// The longest time to catch up.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Before,
    Away,
    After,
}

impl Phase {
    pub(crate) const ALL: [Self; 3] = [Self::Before, Self::Away, Self::After];
}

#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) rpc: String,
    /// The acknowledged records.
    pub(crate) delivered: Arc<Delivered>,
    /// The number of records at the start.
    pub(crate) records: u64,
    phase: AtomicUsize,
    /// Given when the service has caught up after the outage.
    pub(crate) well: Stop,
    /// Given at the end of the run.
    pub(crate) over: Stop,
}

impl Course {
    pub(crate) fn new(rpc: &str, delivered: Arc<Delivered>, records: u64) -> Self {
        let phase = AtomicUsize::new(Phase::Before as usize);
        let (well, over) = (Stop::default(), Stop::default());
        Self { rpc: rpc.into(), delivered, records, phase, well, over }
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::ALL.get(self.phase.load(Ordering::Relaxed)).copied().unwrap_or(Phase::After)
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as usize, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.within(Duration::ZERO)
    }

    /// Waits until the service has caught up, for at most [`PATIENCE`].
    pub(crate) fn wait_until_well(&self) {
        self.well.within(PATIENCE);
    }
}
