//! The memory of answers: what is encoded and not yet sent takes a bounded number of bytes.
//!
//! Whoever shares encoded bytes shares what they take, too. They give it back when the last of those
//! who send them is done.

use std::fmt;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most that all answers take. A line of the memory budget.
pub(super) const ANSWER_BYTES: usize = 1 << 20;
/// The most that one answer takes of it. One that is larger is let through by this, too: a snapshot of
/// many thousand partitions.
const MOST_BYTES: usize = ANSWER_BYTES / 2;

/// The memory of answers. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Answers(Arc<Semaphore>);

/// There is no memory for an answer at the moment.
#[derive(Debug)]
pub(super) struct Busy;

/// An encoded answer with what it takes.
struct Held {
    bytes: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ANSWER_BYTES)))
    }

    /// The same bytes, which are counted until the last copy of them is dropped.
    ///
    /// # Errors
    ///
    /// When other answers take too much.
    pub(super) fn hold(&self, bytes: Vec<u8>) -> Result<Bytes, Busy> {
        let taken = u32::try_from(bytes.len().min(MOST_BYTES)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.0).try_acquire_many_owned(taken).map_err(|_| Busy)?;
        Ok(Bytes::from_owner(Held { bytes, _permit: permit }))
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("answers that are not read yet take all the memory for them; retry later")
    }
}

impl IntoResponse for Busy {
    fn into_response(self) -> Response {
        let text = format!("{self}\n");
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_held_leave_less_for_others_until_the_last_copy_is_dropped() {
        let answers = Answers::new();
        let one = answers.hold(vec![1; MOST_BYTES]).unwrap();
        let other = answers.hold(vec![2; 3 * ANSWER_BYTES]).unwrap();
        assert!(answers.hold(vec![3]).is_err());
        let part = other.slice(5..6);
        drop(other);
        assert!(answers.hold(vec![3]).is_err());
        drop(part);
        assert_eq!(answers.hold(vec![3; 10]).unwrap(), vec![3; 10]);
        assert_eq!(one.len(), MOST_BYTES);
    }
}
