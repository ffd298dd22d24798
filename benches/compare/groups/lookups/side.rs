//! One measured server, and its figures.

use crate::load::Micros;
use crate::spread::Spread;

/// Keys in each call, and calls a second.
pub(super) const BATCHES: [(usize, u32); 4] = [(1, 2_000), (10, 1_000), (100, 500), (1_000, 100)];

/// A server, and its figures for each batch size.
pub(super) struct Side {
    pub(super) name: String,
    pub(super) batches: Vec<Batch>,
}

#[derive(Default)]
pub(super) struct Batch {
    /// Calls sent as fast as they are answered.
    pub(super) full: Micros<Spread>,
    /// Calls at the fixed rate.
    pub(super) idle: Micros<Spread>,
    /// Calls at the fixed rate, while the stream is read at full speed.
    pub(super) busy: Micros<Spread>,
    /// Records a second that were read meanwhile.
    pub(super) ingested: Spread,
}

impl Side {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), batches: BATCHES.map(|_| Batch::default()).into() }
    }
}
