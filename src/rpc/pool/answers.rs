//! The answers that hold bytes of the pool and wait for their callers to read them.
//!
//! Owns the list of them, and which are dropped first. Why they are dropped is not known here.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use slab::Slab;

use crate::stats::ShedCause;

/// An answer that holds bytes of the pool and waits for its caller to read it.
pub(in crate::rpc) trait UnsentAnswer: std::fmt::Debug + Send + Sync {
    /// The bytes that dropping it would free.
    fn held_bytes(&self) -> usize;

    /// Whether its caller reads it so slowly that others need not wait for that.
    fn is_stalled(&self) -> bool;

    /// Drops what is left of it, and counts the cause.
    fn drop_rest(&self, cause: ShedCause);

    /// Whether the transport still holds bytes of the pool for it.
    fn is_in_transport(&self) -> bool;

    /// Closes its connection.
    fn close_connection(&self);

    /// The peer of its connection.
    fn peer(&self) -> IpAddr;
}

#[derive(Debug, Default)]
pub(super) struct Answers(List);

type List = Arc<Mutex<Slab<Weak<dyn UnsentAnswer>>>>;

/// The place of an answer in the list, until it is dropped.
#[derive(Debug)]
pub(in crate::rpc) struct AnswerEntry {
    list: List,
    place: usize,
}

impl Drop for AnswerEntry {
    fn drop(&mut self) {
        self.list.lock().try_remove(self.place);
    }
}

impl Answers {
    pub(super) fn list<A: UnsentAnswer + 'static>(&self, answer: &Arc<A>) -> AnswerEntry {
        let answer: Weak<A> = Arc::downgrade(answer);
        let place = self.0.lock().insert(answer);
        AnswerEntry { list: Arc::clone(&self.0), place }
    }

    /// Drops the largest of the answers that `may_drop`, until they add up to this many bytes.
    /// Returns those that were dropped, and what they held.
    pub(super) fn drop_largest(
        &self,
        bytes: usize,
        cause: ShedCause,
        may_drop: impl Fn(&dyn UnsentAnswer) -> bool,
    ) -> (Vec<Arc<dyn UnsentAnswer>>, usize) {
        // Copied, since an answer that is dropped may leave the list.
        let answers: Vec<_> =
            self.0.lock().iter().filter_map(|(_, answer)| answer.upgrade()).collect();
        let mut answers: Vec<_> = answers
            .into_iter()
            .filter(|answer| may_drop(answer.as_ref()))
            .map(|answer| (answer.held_bytes(), answer))
            .filter(|(held_bytes, _)| *held_bytes > 0)
            .collect();
        answers.sort_by_key(|(held_bytes, _)| Reverse(*held_bytes));
        let (mut dropped, mut dropped_bytes) = (Vec::new(), 0);
        for (held_bytes, answer) in answers {
            if dropped_bytes >= bytes {
                break;
            }
            answer.drop_rest(cause);
            dropped_bytes += held_bytes;
            dropped.push(answer);
        }
        (dropped, dropped_bytes)
    }
}
