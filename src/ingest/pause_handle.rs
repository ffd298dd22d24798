//! The switch that pauses the stream: the memory governor sets it, every thread obeys it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handle to pause the stream. Clones set the same switch.
#[derive(Debug, Clone, Default)]
pub struct PauseHandle(Arc<AtomicBool>);

impl PauseHandle {
    /// Pauses or resumes every partition. Each thread does so with its next turn.
    pub fn set_paused(&self, paused: bool) {
        self.0.store(paused, Ordering::Relaxed);
    }

    pub(super) fn is_paused(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
