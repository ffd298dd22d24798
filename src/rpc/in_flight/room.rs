//! Room in the budget for one answer, claimed as the answer grows.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What one answer holds of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    budget_bytes: usize,
    free: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    used_bytes: usize,
}

impl Room {
    /// Room of which `held` is there already.
    pub(super) fn new(
        budget_bytes: usize,
        free: Arc<Semaphore>,
        held: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { budget_bytes, free, held, used_bytes: 0 }
    }

    /// Sees to it that so much is held for the answer. Fails rather than waits, and holds
    /// nothing then: who held some and waited for more could wait for ever. An answer larger
    /// than the budget takes all of it.
    pub(super) fn use_bytes(&mut self, bytes: usize) -> bool {
        self.used_bytes = bytes.min(self.budget_bytes);
        let more_bytes = self.used_bytes.saturating_sub(self.held_bytes());
        if more_bytes == 0 {
            return true;
        }
        // Finds nothing free while somebody waits, so nobody is overtaken.
        let more = u32::try_from(more_bytes).ok();
        let more = more.and_then(|more| Arc::clone(&self.free).try_acquire_many_owned(more).ok());
        let Some(more) = more else {
            self.held = None;
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        true
    }

    /// Gives back what was held and is not used.
    pub(super) fn settle(&mut self) {
        let spare_bytes = self.held_bytes().saturating_sub(self.used_bytes);
        drop(self.share(spare_bytes));
    }

    /// Parts with so much of it, or with what is left.
    pub(super) fn share(&mut self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = bytes.min(self.held_bytes());
        self.held.as_mut().filter(|_| bytes > 0)?.split(bytes)
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }
}
