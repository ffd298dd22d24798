//! The byte pool: what callers make the service hold, beyond the little that every stream takes.
//!
//! ```text
//! BytePool --open_connection--> ConnectionShare --new_permit--> Permit: grows, splits,
//!    | requests: a quarter         | a quarter of each              gives back on drop
//!    | answers: the rest           |
//! ```
//!
//! No connection takes more than a quarter of either part, so that one slow reader starves nobody.
//! When answers that are not read leave no room for another, they are dropped, and their peers
//! share one connection's quarter for a while. A permit of up to [`FREE_BYTES`] takes nothing of the
//! pool: the budget counts that much for each stream. So a small lookup is answered however full
//! the pool is.

mod answers;
mod parts;
mod share;
mod shared;
mod shedding;
mod slow_peers;

use std::net::IpAddr;
use std::sync::Arc;

use crate::stats::{PoolStats, ShedCause};
pub(super) use answers::{AnswerEntry, UnsentAnswer};
pub(super) use parts::Purpose;
pub(super) use share::{CloseConnection, Permit, PermitPart};
pub use share::{ConnectionShare, FREE_BYTES};
use shared::{CONNECTION_DIVISOR, Shared};

/// All bytes that callers may make the service hold. Clones share them.
#[derive(Debug, Clone)]
pub struct BytePool(Arc<Shared>);

impl BytePool {
    /// A pool of this many bytes.
    pub fn new(bytes: u64) -> Self {
        // The semaphores count what they hand out in 32 bits.
        let bytes = usize::try_from(bytes.min(u64::from(u32::MAX))).unwrap_or(usize::MAX);
        Self(Arc::new(Shared::new(bytes)))
    }

    /// The share of a new connection of this peer. `close` closes it.
    pub fn open_connection(&self, peer: IpAddr, close: CloseConnection) -> ConnectionShare {
        ConnectionShare::new(peer, close, Arc::clone(&self.0))
    }

    /// Frees at least this many bytes, if callers hold as many: refuses new charges, ends the calls
    /// that wait, and drops answers, the largest first. Returns the number of bytes that it freed.
    /// Charges are refused until [`Self::end_shedding`].
    pub fn shed(&self, bytes: u64) -> u64 {
        let Shared { parts, answers, shedding, .. } = &*self.0;
        let before_bytes = parts.held_bytes();
        shedding.begin();
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let (_, dropped_bytes) = answers.drop_largest(bytes, ShedCause::MemoryShort, |_| true);
        shedding.count_dropped_bytes(dropped_bytes);
        before_bytes.saturating_sub(parts.held_bytes()) as u64
    }

    /// Grants charges again.
    pub fn end_shedding(&self) {
        self.0.shedding.end();
    }

    /// The figures of the pool.
    pub fn stats(&self) -> PoolStats {
        let Shared { parts, shedding, .. } = &*self.0;
        PoolStats {
            pool_bytes: parts.bytes() as u64,
            held_bytes: parts.held_bytes() as u64,
            shed_calls: shedding.counts(),
            shed_bytes: shedding.dropped_bytes(),
        }
    }

    /// The most that one connection may hold for this purpose.
    pub(super) fn connection_bytes(&self, purpose: Purpose) -> usize {
        self.0.parts.of(purpose).bytes / CONNECTION_DIVISOR
    }
}

#[cfg(test)]
mod tests;
