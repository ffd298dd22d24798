//! What answers on their way to callers may take together, and whose turn it is.
//!
//! An answer is on its way from when it is written until the transport has let go of its
//! last byte; that can be long, where a caller reads slowly. It leases its size for that
//! time, piece by piece. Calls that find no room wait in the order in which they came, and
//! hold nothing but their question: what a table let go meanwhile is not kept for them.
//! Neither they nor the answers wait for ever. Knows nothing of what is asked.

mod leased;
mod parcel;
mod room;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tonic::{Response, Status};

use super::deadline::Deadline;
use super::errors;
pub(super) use leased::Leased;
use leased::Outgoing;
pub(super) use parcel::Parcel;
use room::Room;
#[cfg(test)]
pub(super) use tests::{ample, written};

/// An answer up to this size takes no lease and never waits: the bound on calls at once
/// bounds these too.
const SMALL_BYTES: usize = 4 << 10;
/// The longest wait for room, also of a call without a deadline. Stated in the protocol.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// The longest time that an answer may take to be taken by its caller. Stated in the protocol.
const MAX_SENDING: Duration = Duration::from_secs(60);

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
    budget_bytes: usize,
    free: Arc<Semaphore>,
}

impl InFlight {
    pub(super) fn new(budget_bytes: u64) -> Self {
        // A permit is asked for by 32 bits.
        let budget_bytes = budget_bytes.min(u64::from(u32::MAX));
        let budget_bytes =
            usize::try_from(budget_bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { budget_bytes, free: Arc::new(Semaphore::new(budget_bytes)) }
    }

    /// Answers what `look_up` writes, once there is room for it. Whoever waits looks again
    /// when it is its turn; should there be more then than it waited for, it waits again.
    ///
    /// The answer goes to the transport beside its message, which stays empty: only the
    /// services that are [`Leased`] can answer so.
    pub(super) async fn answer<M: Default>(
        &self,
        deadline: Deadline,
        look_up: impl Fn(Look, &mut Parcel) -> Result<(), Status>,
    ) -> Result<Response<M>, Status> {
        // The clock is read where something takes time only.
        let mut until = None;
        let (mut look, mut held) = (Look::First, None);
        loop {
            let room = Room::new(self.budget_bytes, Arc::clone(&self.free), held);
            let mut parcel = Parcel::new(room);
            look_up(look, &mut parcel)?;
            let needed_bytes = match parcel.seal() {
                Ok(sealed) => {
                    let end = sealed.is_leased().then(|| deadline.end_within(MAX_SENDING));
                    let outgoing = Outgoing::new(sealed, end);
                    let mut response = Response::new(M::default());
                    response.extensions_mut().insert(outgoing);
                    return Ok(response);
                }
                Err(needed_bytes) => needed_bytes,
            };
            let until = *until.get_or_insert_with(|| deadline.wait_until(MAX_WAIT));
            held = Some(self.wait_for(needed_bytes, until).await?);
            look = Look::Again;
        }
    }

    async fn wait_for(&self, bytes: usize, until: Instant) -> Result<OwnedSemaphorePermit, Status> {
        let bytes = u32::try_from(bytes.min(self.budget_bytes)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.free).acquire_many_owned(bytes);
        let room = timeout_at(until, room).await.map_err(|_| errors::no_room())?;
        // The budget is never closed.
        room.map_err(|closed| Status::unavailable(closed.to_string()))
    }
}

#[cfg(test)]
mod tests;
