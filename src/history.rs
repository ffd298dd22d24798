//! The past of the figures: in a fixed size, whatever happens.
//!
//! Three tiers keep the same series: each second for 15 minutes, each 10 seconds for 6 hours, each
//! minute for 3 days. A sample of a coarser tier is made of those of its seconds, as fits the series:
//! see [`Combine`]. A mark says what changed and when. All memory of the samples is allocated at the
//! start: its size follows from the number of tables, and is a line of the memory budget.
//!
//! It gets a snapshot each second, and knows neither who takes it nor who shows the past.

mod changes;
mod figures;
mod marks;
mod series;
mod tier;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::heap;
use crate::record::Timestamp;
use crate::stats::Snapshot;
pub use marks::{Mark, MarkKind};
pub use series::{Combine, Layout, SeriesKind, Unit};
pub use tier::{Row, TIERS, TierSize};

use marks::Marks;
use series::Sampler;
use tier::Tier;

/// The past of one service. Share it by reference count.
#[derive(Debug)]
pub struct History {
    layout: Layout,
    past: Mutex<Past>,
}

#[derive(Debug)]
struct Past {
    /// The time of second 0; none before the first snapshot.
    origin: Option<Timestamp>,
    sampler: Sampler,
    tiers: [Tier; TIERS.len()],
    marks: Marks,
    version: u64,
    last: Option<Arc<Snapshot>>,
}

/// A part of a tier, the oldest sample first.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The time of the sample 0 of each tier; none before the first snapshot.
    pub origin: Option<Timestamp>,
    /// The samples.
    pub rows: Vec<Row>,
    /// Whether the tier has newer ones.
    pub has_more: bool,
}

impl History {
    /// The past of a service with these tables, which has none yet. Allocates all that it will
    /// need for samples.
    pub fn new(tables: impl IntoIterator<Item = String>) -> Self {
        let layout = Layout::new(tables);
        let past = Past {
            origin: None,
            sampler: Sampler::new(&layout),
            tiers: TIERS.map(|size| Tier::new(size, layout.width())),
            marks: Marks::default(),
            version: 0,
            last: None,
        };
        Self { layout, past: Mutex::new(past) }
    }

    /// The most that the past of a service with so many tables takes, in bytes.
    pub fn bytes(tables: usize) -> u64 {
        let row_bytes = Layout::width_of(tables) * size_of::<f32>();
        let of_tier = |size: &TierSize| heap::rounded_up(size.samples * row_bytes) as u64;
        TIERS.iter().map(of_tier).sum::<u64>() + marks::MAX_BYTES
    }

    /// What the values of a sample are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Adds the snapshot of a second, which is counted from the first call on. A second that was
    /// seen before is left as it is.
    pub fn observe(&self, second: u64, snapshot: &Arc<Snapshot>) {
        let mut past = self.past.lock();
        past.version += 1;
        let Past { origin, sampler, tiers, marks, last, .. } = &mut *past;
        let time = snapshot.started.plus(snapshot.uptime);
        origin.get_or_insert(time);
        match last.replace(Arc::clone(snapshot)) {
            Some(last) => {
                changes::between(&last, snapshot, |kind, text| marks.add(time, kind, &text));
            }
            None => marks.add(time, MarkKind::State, "millpond started"),
        }
        let row = sampler.sample(&self.layout, snapshot);
        for tier in tiers {
            tier.put(second, row, &self.layout);
        }
    }

    /// How often a snapshot was added: what is read is the same as long as this is.
    pub fn version(&self) -> u64 {
        self.past.lock().version
    }

    /// The samples of a tier from the number `from` on, at most `count` of them. A tier that does
    /// not reach as far back begins with its oldest. Returns none if there is no such tier.
    pub fn part(&self, tier: usize, from: u64, count: usize) -> Option<Part> {
        let past = self.past.lock();
        let (rows, has_more) = past.tiers.get(tier)?.rows(from, count);
        Some(Part { origin: past.origin, rows, has_more })
    }

    /// The marks after the number `after`, the oldest first.
    pub fn marks(&self, after: u64) -> Vec<Mark> {
        self.past.lock().marks.after(after)
    }
}

#[cfg(test)]
mod tests;
