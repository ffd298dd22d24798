//! The bytes of the pool, or of a connection's share: a part for requests, and one for answers.
//!
//! Requests take what they need at once or are refused, and are held while their answers wait in
//! line. So no answer may wait for bytes that a request holds which waits for an answer.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// The pool is divided by this for requests. Answers have the rest.
const REQUESTS_DIVISOR: usize = 4;

/// The use of bytes, and the part that they are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rpc) enum Purpose {
    Request,
    Answer,
    /// An answer that is not refused when memory is short: it says where the memory is.
    Statistics,
}

#[derive(Debug)]
pub(super) struct Parts {
    requests: Part,
    answers: Part,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: usize,
    /// One permit of the semaphore is one byte.
    pub(super) free: Arc<Semaphore>,
}

impl Parts {
    /// Parts of this many bytes together.
    pub(super) fn new(bytes: usize) -> Self {
        let requests_bytes = bytes / REQUESTS_DIVISOR;
        Self { requests: Part::new(requests_bytes), answers: Part::new(bytes - requests_bytes) }
    }

    pub(super) fn of(&self, purpose: Purpose) -> &Part {
        match purpose {
            Purpose::Request => &self.requests,
            Purpose::Answer | Purpose::Statistics => &self.answers,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.requests.bytes + self.answers.bytes
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.requests.held_bytes() + self.answers.held_bytes()
    }
}

impl Part {
    fn new(bytes: usize) -> Self {
        Self { bytes, free: Arc::new(Semaphore::new(bytes)) }
    }

    fn held_bytes(&self) -> usize {
        self.bytes.saturating_sub(self.free.available_permits())
    }
}
