//! The rows of the partitions, those first that are behind.

use std::collections::BTreeMap;

use crate::cli::output::{count, escaped};
use crate::cli::top::figures::{self, seconds};
use crate::cli::top::format::{rate, span};
use crate::cli::top::grid::{Cell, Column, Grid, Row};
use crate::cli::top::model::Model;
use crate::cli::top::theme::Tone;
use crate::proto::v1::{PartitionStats, RecordOutcome};

const COLUMNS: [Column; 13] = [
    Column { title: "topic", width: 18, priority: 0 },
    Column { title: "no.", width: 5, priority: 0 },
    Column { title: "lag", width: 9, priority: 1 },
    Column { title: "records/s", width: 9, priority: 2 },
    Column { title: "to go", width: 8, priority: 3 },
    Column { title: "position", width: 11, priority: 4 },
    Column { title: "table", width: 12, priority: 5 },
    Column { title: "rejected", width: 9, priority: 6 },
    Column { title: "stored", width: 12, priority: 7 },
    Column { title: "replaced", width: 12, priority: 8 },
    Column { title: "deleted", width: 10, priority: 9 },
    Column { title: "expired", width: 10, priority: 10 },
    Column { title: "filtered", width: 10, priority: 11 },
];
const LAG: usize = 2;

pub(super) fn grid(model: &Model) -> Grid {
    let rate = |partition: &PartitionStats| model.rates.as_ref()?.partition(partition);
    let row = |partition: &PartitionStats| row(partition, rate(partition));
    Grid {
        columns: &COLUMNS,
        rows: model.stats.partitions.iter().map(row).collect(),
        sorted_by: LAG,
        nothing: "no partition is known yet",
    }
}

fn row(partition: &PartitionStats, records: Option<f64>) -> Row {
    let outcomes: BTreeMap<_, _> =
        partition.records.iter().map(|record| (record.outcome(), record.count)).collect();
    let of = |outcome| counted(outcomes.get(&outcome).copied().unwrap_or(0));
    Row(vec![
        Cell::text(escaped(&partition.topic)),
        Cell::number(partition.partition.to_string(), f64::from(partition.partition)),
        lag(partition),
        Cell::number(rate(records), records),
        time_left(partition),
        counted(partition.position),
        Cell::text(escaped(&partition.table)),
        warned(of(RecordOutcome::Rejected), outcomes.get(&RecordOutcome::Rejected)),
        of(RecordOutcome::Stored),
        of(RecordOutcome::Replaced),
        of(RecordOutcome::Deleted),
        of(RecordOutcome::ExpiredOnArrival),
        of(RecordOutcome::Filtered),
    ])
}

fn counted(number: i64) -> Cell {
    Cell::number(count(number), figures::count(number))
}

fn warned(cell: Cell, number: Option<&i64>) -> Cell {
    if number.is_some_and(|number| *number > 0) { cell.with_tone(Tone::Warning) } else { cell }
}

/// An open transaction holds a partition up, however many records are behind it.
fn lag(partition: &PartitionStats) -> Cell {
    let cell = counted(partition.lag_records);
    let is_held = partition.open_transaction_offset.is_some() && partition.lag_records > 0;
    if is_held { cell.with_tone(Tone::Bad) } else { cell }
}

/// The time that the backlog still takes.
fn time_left(partition: &PartitionStats) -> Cell {
    let Some(loading) = &partition.loading else {
        return Cell::number("-".into(), None);
    };
    let left = loading.time_left.as_ref().map(seconds);
    Cell::number(left.map_or("?".into(), span), left.or(Some(f64::MAX))).with_tone(Tone::Warning)
}
