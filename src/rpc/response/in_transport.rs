//! The pieces of one response that the transport has in hand.
//!
//! One of them takes nothing of the pool: it is as large as what the budget counts for each call. So
//! a stream whose window is closed holds no bytes of the pool, and may stay open.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::rpc::pool::PermitPart;

/// The parts of the pool for all pieces in hand but one.
#[derive(Debug, Default)]
pub(in crate::rpc) struct InTransport(Mutex<Pieces>);

#[derive(Debug, Default)]
struct Pieces {
    has_free_one: bool,
    charged: Vec<PermitPart>,
}

/// One piece in hand.
#[derive(Debug)]
pub(super) struct InHand(Arc<InTransport>);

impl InTransport {
    /// Whether the pieces hold bytes of the pool.
    pub(super) fn holds_bytes(&self) -> bool {
        !self.0.lock().charged.is_empty()
    }

    /// Takes one more piece, with its part of the pool.
    pub(super) fn take(self: &Arc<Self>, permit: PermitPart) -> InHand {
        let mut pieces = self.0.lock();
        if pieces.has_free_one {
            pieces.charged.push(permit);
        } else {
            pieces.has_free_one = true;
        }
        InHand(Arc::clone(self))
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut pieces = self.0.0.lock();
        // Whichever piece goes, the last one that is left is free.
        if pieces.charged.pop().is_none() {
            pieces.has_free_one = false;
        }
    }
}
