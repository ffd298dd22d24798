//! Whether the stream flows: turned by whoever watches the memory, heeded by every thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handle to pause the stream. Clones turn the same one.
#[derive(Debug, Clone, Default)]
pub struct PauseHandle(Arc<AtomicBool>);

impl PauseHandle {
    /// Pauses every partition, or lets them go on; threads heed it with their next turn.
    pub fn set_paused(&self, paused: bool) {
        self.0.store(paused, Ordering::Relaxed);
    }

    pub(super) fn is_paused(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
