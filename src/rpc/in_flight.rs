//! What answers on their way to callers may take together, and whose turn it is.
//!
//! An answer is on its way from before it is encoded until the transport has let go of
//! its last byte; that can be long, where a caller reads slowly. It leases its size for
//! that time. Calls that find no room wait in the order in which they came, and hold
//! nothing but their question: what a table let go meanwhile is not kept for them.
//! Knows nothing of what is asked.

mod leased;

use std::sync::Arc;

use prost::Message;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Response, Status};

pub(super) use leased::Leased;
#[cfg(test)]
pub(super) use leased::next_data;

/// An answer up to this size takes no lease and never waits: the bound on calls at once
/// bounds these too.
const SMALL_BYTES: usize = 4 << 10;

/// Which time a call looks for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// The time that counts.
    First,
    /// After it waited for its turn.
    Again,
}

/// The budget, one permit a byte. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    budget_bytes: u32,
    free: Arc<Semaphore>,
}

/// Room in the budget; it is given back when the last clone is dropped.
#[derive(Debug, Clone)]
struct Lease {
    _room: Arc<OwnedSemaphorePermit>,
}

impl InFlight {
    pub(super) fn new(budget_bytes: u64) -> Self {
        let budget_bytes = u32::try_from(budget_bytes).unwrap_or(u32::MAX);
        let permits = usize::try_from(budget_bytes).unwrap_or(usize::MAX);
        Self { budget_bytes, free: Arc::new(Semaphore::new(permits)) }
    }

    /// Answers what `look_up` finds, once there is room for it. Whoever waits looks again
    /// when it is its turn; should there be more then than it waited for, it waits again.
    pub(super) async fn answer<M: Message>(
        &self,
        look_up: impl Fn(Look) -> Result<M, Status>,
    ) -> Result<Response<M>, Status> {
        let (mut look, mut waited_for) = (Look::First, None);
        loop {
            let answer = look_up(look)?;
            let needed_bytes = self.needed_bytes(answer.encoded_len());
            if needed_bytes == 0 {
                return Ok(Response::new(answer));
            }
            if let Some(room) = self.fit(waited_for, needed_bytes) {
                return Ok(leasing(answer, room));
            }
            drop(answer);
            waited_for = Some(self.wait_for(needed_bytes).await?);
            look = Look::Again;
        }
    }

    /// An answer larger than the budget takes all of it.
    fn needed_bytes(&self, answer_bytes: usize) -> u32 {
        if answer_bytes <= SMALL_BYTES {
            return 0;
        }
        u32::try_from(answer_bytes).unwrap_or(u32::MAX).min(self.budget_bytes)
    }

    /// Room of just that size: what was waited for, where it is enough, or else what is free.
    fn fit(&self, room: Option<OwnedSemaphorePermit>, bytes: u32) -> Option<OwnedSemaphorePermit> {
        let Some(mut room) = room else {
            // Finds nothing free while somebody waits, so nobody is overtaken.
            return Arc::clone(&self.free).try_acquire_many_owned(bytes).ok();
        };
        let spare = room.num_permits().checked_sub(usize::try_from(bytes).ok()?)?;
        drop(room.split(spare));
        Some(room)
    }

    async fn wait_for(&self, bytes: u32) -> Result<OwnedSemaphorePermit, Status> {
        let room = Arc::clone(&self.free).acquire_many_owned(bytes).await;
        // The budget is never closed.
        room.map_err(|closed| Status::unavailable(closed.to_string()))
    }
}

fn leasing<M>(answer: M, room: OwnedSemaphorePermit) -> Response<M> {
    let mut response = Response::new(answer);
    response.extensions_mut().insert(Lease { _room: Arc::new(room) });
    response
}

#[cfg(test)]
mod tests;
