//! The byte pool: what callers make the service hold, beyond the little that every stream takes.
//!
//! ```text
//! BytePool --open_connection--> ConnectionShare --new_permit--> Permit: grows, splits,
//!    | requests: a quarter         | a quarter of each              gives back on drop
//!    | answers: the rest           |
//! ```
//!
//! No connection takes more than a quarter of either part, so that one slow reader starves nobody.
//! A permit of up to [`FREE_BYTES`] takes nothing of the pool: the budget counts that much for each
//! stream. So a small lookup is answered however full the pool is.

mod parts;
mod share;
mod shedding;

use std::sync::Arc;

use crate::stats::PoolStats;
use parts::Parts;
pub(super) use parts::Purpose;
pub use share::{ConnectionShare, FREE_BYTES};
pub(super) use share::{Permit, PermitPart};
use shedding::Shedding;
pub(super) use shedding::{AnswerEntry, UnsentAnswer};

/// The pool is divided by this for one connection.
const CONNECTION_DIVISOR: usize = 4;

/// All bytes that callers may make the service hold. Clones share them.
#[derive(Debug, Clone)]
pub struct BytePool {
    parts: Arc<Parts>,
    shedding: Arc<Shedding>,
}

impl BytePool {
    /// A pool of this many bytes.
    pub fn new(bytes: u64) -> Self {
        // The semaphores count what they hand out in 32 bits.
        let bytes = usize::try_from(bytes.min(u64::from(u32::MAX))).unwrap_or(usize::MAX);
        Self { parts: Arc::new(Parts::new(bytes)), shedding: Arc::default() }
    }

    /// The share of a new connection.
    pub fn open_connection(&self) -> ConnectionShare {
        let parts = Parts::new(self.parts.bytes() / CONNECTION_DIVISOR);
        ConnectionShare::new(parts, Arc::clone(&self.parts), Arc::clone(&self.shedding))
    }

    /// Frees at least this many bytes, if callers hold as many: refuses new charges, ends the calls
    /// that wait, and drops answers, the largest first. Returns the number of bytes that it freed.
    /// Charges are refused until [`Self::end_shedding`].
    pub fn shed(&self, bytes: u64) -> u64 {
        let before_bytes = self.parts.held_bytes();
        self.shedding.begin();
        self.shedding.drop_answers(usize::try_from(bytes).unwrap_or(usize::MAX));
        before_bytes.saturating_sub(self.parts.held_bytes()) as u64
    }

    /// Grants charges again.
    pub fn end_shedding(&self) {
        self.shedding.end();
    }

    /// The figures of the pool.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            pool_bytes: self.parts.bytes() as u64,
            held_bytes: self.parts.held_bytes() as u64,
            shed_calls: self.shedding.counts(),
            shed_bytes: self.shedding.dropped_bytes(),
        }
    }

    /// The most that one connection may hold for this purpose.
    pub(super) fn connection_bytes(&self, purpose: Purpose) -> usize {
        self.parts.of(purpose).bytes / CONNECTION_DIVISOR
    }
}

#[cfg(test)]
mod tests;
