//! One of those who are asked, and its figures.

use crate::load::Micros;
use crate::spread::Spread;

/// Keys at once, and calls a second.
pub(super) const BATCHES: [(usize, u32); 4] = [(1, 2_000), (10, 1_000), (100, 500), (1_000, 100)];

/// Who was asked, and what came of it, by batch.
pub(super) struct Side {
    pub(super) name: String,
    pub(super) batches: Vec<Batch>,
}

#[derive(Default)]
pub(super) struct Batch {
    /// As fast as calls are answered.
    pub(super) full: Micros<Spread>,
    /// At the rate.
    pub(super) idle: Micros<Spread>,
    /// At the rate, while the stream comes in at full speed.
    pub(super) busy: Micros<Spread>,
    /// Records a second that came in then.
    pub(super) ingested: Spread,
}

impl Side {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), batches: BATCHES.map(|_| Batch::default()).into() }
    }
}
