//! The series that are kept, and how a snapshot becomes a row of values.
//!
//! A series of a counter keeps how much it grew in the time of a sample, not its value. So the sum
//! of all samples is what was counted in their time, in every tier.

use super::figures::Figures;
use crate::memory::MemoryType;
use crate::stats::Snapshot;

/// Tables with series of their own. The last of them stands for all that come after it, too.
pub(super) const MAX_TABLES: usize = 16;

/// How a sample of a coarser tier is made of the values of its seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// The value of the second in which memory usage was highest: so the values of memory belong
    /// together.
    AtPeak,
    /// The last value.
    Last,
    /// The highest value.
    Max,
    /// The sum: the values are how much a counter grew.
    Sum,
}

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Entries, records, lookups, calls.
    Count,
    /// Seconds.
    Seconds,
    /// The pressure stage: 0 is normal.
    Stage,
}

/// A kind of series.
#[derive(Debug)]
pub struct SeriesKind {
    /// Its name, in the table's own namespace if it is one of a table.
    pub name: &'static str,
    /// What its values count.
    pub unit: Unit,
    /// How they are combined.
    pub combine: Combine,
}

/// The series of one service, in the order in which a sample has their values: those of the service,
/// then those of each table.
#[derive(Debug)]
pub struct Layout {
    tables: Vec<String>,
    is_last_shared: bool,
}

type Read<T> = fn(&T) -> f64;

/// The series of the service. The first decides which second is the peak.
const OF_SERVICE: [(SeriesKind, Read<Snapshot>); 29] = [
    (bytes("memory.usage"), |s| float(s.memory.current_bytes)),
    (bytes("memory.limit"), |s| float(s.memory.limit_bytes)),
    (bytes("memory.rss"), |s| float(s.memory.census.rss_bytes)),
    (bytes("memory.ingest"), |s| memory(s, &MemoryType::Ingest)),
    (bytes("memory.kafka_client"), |s| memory(s, &MemoryType::KafkaClient)),
    (bytes("memory.rpc"), |s| memory(s, &MemoryType::Rpc)),
    (bytes("memory.other_heap"), |s| memory(s, &MemoryType::OtherHeap)),
    (bytes("memory.allocator"), |s| memory(s, &MemoryType::Allocator)),
    (bytes("memory.outside_heap"), |s| memory(s, &MemoryType::OutsideHeap)),
    (kind("memory.pressure", Unit::Stage, Combine::Max), |s| {
        float(s.memory.pressure.stage() as u64)
    }),
    (kind("rpc.connections", Unit::Count, Combine::Max), |s| {
        float(s.rpc.connections.open_connections)
    }),
    (kind("rpc.streams", Unit::Count, Combine::Max), |s| float(s.rpc.connections.open_streams)),
    (kind("rpc.pool", Unit::Bytes, Combine::Max), |s| float(s.rpc.pool.held_bytes)),
    (growth("rpc.shed"), shed_calls),
    (growth("rpc.calls"), handled_calls),
    (growth("rpc.failed"), |s| handled_calls(s) - successful_calls(s)),
    // Lookups by how long they took: one for each range of `DURATION_BOUNDS`, and one for longer ones.
    (growth("lookups.took.0"), |s| lookups_that_took(s, 0)),
    (growth("lookups.took.1"), |s| lookups_that_took(s, 1)),
    (growth("lookups.took.2"), |s| lookups_that_took(s, 2)),
    (growth("lookups.took.3"), |s| lookups_that_took(s, 3)),
    (growth("lookups.took.4"), |s| lookups_that_took(s, 4)),
    (growth("lookups.took.5"), |s| lookups_that_took(s, 5)),
    (growth("lookups.took.6"), |s| lookups_that_took(s, 6)),
    (growth("lookups.took.7"), |s| lookups_that_took(s, 7)),
    (growth("lookups.took.8"), |s| lookups_that_took(s, 8)),
    (growth("lookups.took.9"), |s| lookups_that_took(s, 9)),
    (growth("lookups.took.10"), |s| lookups_that_took(s, 10)),
    (growth("lookups.took.11"), |s| lookups_that_took(s, 11)),
    (growth("lookups.took.12"), |s| lookups_that_took(s, 12)),
];

const LOOKUP_SERVICE: &str = "millpond.v1.LookupService";

/// The series of one table.
const OF_TABLE: [(SeriesKind, Read<Figures>); 29] = [
    (bytes("memory"), |t| float(t.memory_bytes)),
    (kind("entries", Unit::Count, Combine::Last), |t| float(t.entry_count)),
    (kind("weight", Unit::Bytes, Combine::Last), |t| float(t.weight_bytes)),
    (kind("limit", Unit::Bytes, Combine::Last), |t| float(t.limit_bytes)),
    (growth("hits"), |t| float(t.hit_count)),
    (growth("misses"), |t| float(t.miss_count)),
    (growth("missed.loading"), |t| float(t.misses[0])),
    (growth("missed.never_seen"), |t| float(t.misses[1])),
    (growth("missed.expired"), |t| float(t.misses[2])),
    (growth("missed.evicted"), |t| float(t.misses[3])),
    (growth("missed.evicted_for_pressure"), |t| float(t.misses[4])),
    (growth("missed.deleted"), |t| float(t.misses[5])),
    (growth("missed.unknown"), |t| float(t.misses[6])),
    (growth("removed.replaced"), |t| float(t.removals[0])),
    (growth("removed.deleted"), |t| float(t.removals[1])),
    (growth("removed.expired"), |t| float(t.removals[2])),
    (growth("removed.evicted"), |t| float(t.removals[3])),
    (growth("removed.evicted_for_pressure"), |t| float(t.removals[4])),
    (growth("records.stored"), |t| float(t.outcomes[0])),
    (growth("records.replaced"), |t| float(t.outcomes[1])),
    (growth("records.deleted"), |t| float(t.outcomes[2])),
    (growth("records.deleted_nothing"), |t| float(t.outcomes[3])),
    (growth("records.expired"), |t| float(t.outcomes[4])),
    (growth("records.superseded"), |t| float(t.outcomes[5])),
    (growth("records.filtered"), |t| float(t.outcomes[6])),
    (growth("records.rejected"), |t| float(t.outcomes[7])),
    (kind("lag", Unit::Count, Combine::Max), |t| float(t.lag_records)),
    (kind("staleness", Unit::Seconds, Combine::Max), |t| t.staleness_seconds.unwrap_or(f64::NAN)),
    (kind("loading", Unit::Count, Combine::Last), |t| float(t.loading_records)),
];

const fn kind(name: &'static str, unit: Unit, combine: Combine) -> SeriesKind {
    SeriesKind { name, unit, combine }
}

const fn bytes(name: &'static str) -> SeriesKind {
    kind(name, Unit::Bytes, Combine::AtPeak)
}

/// Of a counter.
const fn growth(name: &'static str) -> SeriesKind {
    kind(name, Unit::Count, Combine::Sum)
}

fn memory(snapshot: &Snapshot, memory_type: &MemoryType) -> f64 {
    float(snapshot.memory.census.bytes_of(memory_type))
}

fn shed_calls(snapshot: &Snapshot) -> f64 {
    float(snapshot.rpc.pool.shed_calls.iter().map(|(_, count)| count).sum())
}

fn handled_calls(snapshot: &Snapshot) -> f64 {
    float(snapshot.rpc.calls.iter().map(|calls| calls.handled.iter().sum::<u64>()).sum())
}

fn successful_calls(snapshot: &Snapshot) -> f64 {
    float(snapshot.rpc.calls.iter().map(|calls| calls.handled[0]).sum())
}

fn lookups_that_took(snapshot: &Snapshot, range: usize) -> f64 {
    let lookups = snapshot.rpc.calls.iter().filter(|calls| calls.service == LOOKUP_SERVICE);
    float(lookups.map(|calls| calls.durations.counts[range]).sum())
}

#[expect(clippy::cast_precision_loss, reason = "exact to 2^53, and charts need less")]
fn float(number: u64) -> f64 {
    number as f64
}

impl Layout {
    /// The series of a service with these tables.
    pub(super) fn new(tables: impl IntoIterator<Item = String>) -> Self {
        let mut tables: Vec<_> = tables.into_iter().collect();
        let is_last_shared = tables.len() > MAX_TABLES;
        tables.truncate(MAX_TABLES);
        Self { tables, is_last_shared }
    }

    /// The number of values in a sample of a service with so many tables.
    pub(super) fn width_of(tables: usize) -> usize {
        OF_SERVICE.len() + tables.min(MAX_TABLES) * OF_TABLE.len()
    }

    /// The number of values in a sample.
    pub fn width(&self) -> usize {
        Self::width_of(self.tables.len())
    }

    /// The tables that have series of their own, in the order of their series.
    pub fn tables(&self) -> &[String] {
        &self.tables
    }

    /// Whether the series of the last table are those of all further tables, too.
    pub fn is_last_shared(&self) -> bool {
        self.is_last_shared
    }

    /// The series of the service.
    pub fn of_service() -> impl Iterator<Item = &'static SeriesKind> {
        OF_SERVICE.iter().map(|(kind, _)| kind)
    }

    /// The series of each table.
    pub fn of_table() -> impl Iterator<Item = &'static SeriesKind> {
        OF_TABLE.iter().map(|(kind, _)| kind)
    }

    /// How each value of a sample is combined.
    pub(super) fn combines(&self) -> impl Iterator<Item = Combine> {
        self.kinds().map(|kind| kind.combine)
    }

    fn kinds(&self) -> impl Iterator<Item = &'static SeriesKind> {
        Self::of_service().chain(self.tables.iter().flat_map(|_| Self::of_table()))
    }
}

/// Makes rows of snapshots.
#[derive(Debug)]
pub(super) struct Sampler {
    /// What was read last.
    last: Vec<f64>,
    row: Vec<f32>,
}

impl Sampler {
    pub(super) fn new(layout: &Layout) -> Self {
        // Every counter is zero when the service starts.
        Self { last: vec![0.0; layout.width()], row: vec![f32::NAN; layout.width()] }
    }

    /// The values of a snapshot.
    pub(super) fn sample(&mut self, layout: &Layout, snapshot: &Snapshot) -> &[f32] {
        let tables = Figures::of(snapshot, layout.tables.len());
        let of_service = OF_SERVICE.iter().map(|(_, read)| read(snapshot));
        let of_tables =
            tables.iter().flat_map(|table| OF_TABLE.iter().map(|(_, read)| read(table)));
        let read = of_service.chain(of_tables).zip(layout.combines());
        for ((value, combine), (last, kept)) in
            read.zip(self.last.iter_mut().zip(self.row.iter_mut()))
        {
            *kept = narrow(if combine == Combine::Sum { value - *last } else { value });
            *last = value;
        }
        &self.row
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven digits are enough for a chart")]
fn narrow(value: f64) -> f32 {
    value as f32
}
