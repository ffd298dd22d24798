//! The byte budget that large responses share, and the permits that they hold of it.
//!
//! Calls that wait for a permit are served in the order in which they came, so that no large
//! response starves. This file does not know what the bytes are used for.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use crate::rpc::errors;

/// The bytes that all responses may hold together. Clones share them.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct ResponseBudget {
    total_bytes: usize,
    /// One semaphore permit is one byte.
    pub(super) free: Arc<Semaphore>,
}

impl ResponseBudget {
    pub(in crate::rpc) fn new(total_bytes: u64) -> Self {
        // The semaphore counts what it hands out in 32 bits.
        let total_bytes = total_bytes.min(u64::from(u32::MAX));
        let total_bytes =
            usize::try_from(total_bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { total_bytes, free: Arc::new(Semaphore::new(total_bytes)) }
    }

    /// A permit for a response that holds no bytes yet.
    pub(super) fn empty_permit(&self) -> Permit {
        Permit { budget: self.clone(), held: None }
    }

    /// Waits in line for a permit of this size. A response larger than the budget gets a permit
    /// for all of it.
    pub(super) async fn acquire(&self, bytes: usize, wait_end: Instant) -> Result<Permit, Status> {
        let bytes = u32::try_from(bytes.min(self.total_bytes)).unwrap_or(u32::MAX);
        let acquired = Arc::clone(&self.free).acquire_many_owned(bytes);
        let acquired = timeout_at(wait_end, acquired).await;
        let held = acquired.map_err(|_| errors::response_buffer_full())?;
        // The semaphore is never closed.
        let held = held.map_err(|closed| Status::unavailable(closed.to_string()))?;
        Ok(Permit { budget: self.clone(), held: Some(held) })
    }
}

/// What one response holds of the budget. Dropping it gives the bytes back.
#[derive(Debug)]
pub(super) struct Permit {
    budget: ResponseBudget,
    held: Option<OwnedSemaphorePermit>,
}

impl Permit {
    /// Grows to at least this many bytes, or to the whole budget if that is smaller. It does not
    /// wait: if other calls wait or the bytes are not free, it gives back all that it holds and
    /// returns false. Two responses that each held a part and waited for more could wait forever.
    #[must_use]
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let bytes = bytes.min(self.budget.total_bytes);
        let more_bytes = bytes.saturating_sub(self.held_bytes());
        if more_bytes == 0 {
            return true;
        }
        // The semaphore refuses this while a call waits in line, so no call is overtaken.
        let free = Arc::clone(&self.budget.free);
        let more = u32::try_from(more_bytes).ok();
        let Some(more) = more.and_then(|more| free.try_acquire_many_owned(more).ok()) else {
            self.held = None;
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        true
    }

    /// Gives back what it holds above this many bytes.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        drop(self.split(self.held_bytes().saturating_sub(bytes)));
    }

    /// Takes this many bytes out of the permit, or all that are left. None if that is none.
    pub(super) fn split(&mut self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = bytes.min(self.held_bytes());
        self.held.as_mut().filter(|_| bytes > 0)?.split(bytes)
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }
}
