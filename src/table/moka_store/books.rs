//! What the store books and what moka's listener does: weight, counts, and why keys are gone.

use std::sync::Arc;

use moka::notification::RemovalCause;

use super::ballast::Slot;
use super::weigh;
use crate::record::{Entry, Timestamp};
use crate::table::counts::{Removal, SharedCounts};
use crate::table::ghosts::{Ghost, GhostEntries};
use crate::table::ledger::Ledger;

#[derive(Debug)]
pub(super) struct Books {
    pub(super) ledger: Ledger,
    pub(super) counts: SharedCounts,
    pub(super) ghosts: GhostEntries,
}

impl Books {
    /// Books that an entry left.
    pub(super) fn left(&self, key: &str, entry: &Entry, removal: Removal) {
        self.counts.removed(removal);
        self.ledger.release(weigh(key, &entry.view()));
    }

    /// Notes why a key has no entry any more.
    pub(super) fn note(&self, key: &str, why: Ghost) {
        self.ghosts.note(self.ghosts.mark(key), why);
    }

    /// moka calls it as an entry leaves, with its key locked: no newer one is there yet. What
    /// was taken out is booked by who did it.
    pub(super) fn listener(self: Arc<Self>) -> impl Fn(Arc<Slot>, Entry, RemovalCause) {
        move |slot, entry, cause| {
            let Some(key) = slot.key().filter(|_| cause != RemovalCause::Explicit) else { return };
            let (now, expires_at) = (Timestamp::now(), entry.view().expires_at);
            let (removal, why) = if entry.view().is_expired(now) || cause == RemovalCause::Expired {
                // It was absent already, whatever made moka let go of it.
                (Removal::Expired, Ghost::Expired(expires_at))
            } else {
                (Removal::Evicted, Ghost::Evicted(now))
            };
            self.left(key.as_str(), &entry, removal);
            self.note(key.as_str(), why);
        }
    }
}
