//! The rows of the tables.

use crate::cli::output::{bytes, count, escaped};
use crate::cli::top::bars::bar;
use crate::cli::top::figures::{self, TableRates, seconds};
use crate::cli::top::format::{percent, rate, span};
use crate::cli::top::grid::{Cell, Column, Grid, Row};
use crate::cli::top::model::Model;
use crate::cli::top::theme::{Theme, Tone};
use crate::proto::v1::TableStats;

const COLUMNS: [Column; 16] = [
    Column { title: "table", width: 8, priority: 0 },
    Column { title: "state", width: 7, priority: 3 },
    Column { title: "entries", width: 11, priority: 1 },
    Column { title: "weight", width: 9, priority: 10 },
    Column { title: "fill", width: 4, priority: 2 },
    Column { title: "", width: 8, priority: 11 },
    Column { title: "hits/s", width: 7, priority: 4 },
    Column { title: "misses/s", width: 8, priority: 6 },
    Column { title: "hit", width: 5, priority: 5 },
    Column { title: "records/s", width: 9, priority: 7 },
    Column { title: "evicted/s", width: 9, priority: 8 },
    Column { title: "stale", width: 7, priority: 9 },
    Column { title: "expired/s", width: 9, priority: 12 },
    Column { title: "deleted/s", width: 9, priority: 13 },
    Column { title: "an entry", width: 9, priority: 14 },
    Column { title: "limit", width: 9, priority: 15 },
];
const FILL_COLUMNS: usize = 8;

pub(super) fn grid(model: &Model, theme: Theme) -> Grid {
    let rates = |table: &TableStats| model.rates.as_ref()?.table(&table.name);
    let row = |table: &TableStats| row(table, rates(table), theme);
    Grid {
        columns: &COLUMNS,
        rows: model.stats.tables.iter().map(row).collect(),
        sorted_by: 0,
        nothing: "no tables",
    }
}

fn row(table: &TableStats, rates: Option<TableRates>, theme: Theme) -> Row {
    let of = |rate_of: fn(TableRates) -> f64| {
        let number = rates.map(rate_of);
        Cell::number(rate(number), number)
    };
    let ratio = rates.and_then(TableRates::hit_ratio);
    let fill = figures::count(table.weight_bytes) / figures::count(table.limit_bytes.max(1));
    let evicted = of(|rates| rates.evicted);
    let is_evicting = rates.is_some_and(|rates| rates.evicted > 0.0);
    let staleness = table.as_of.as_ref().and_then(|as_of| as_of.staleness.as_ref()).map(seconds);
    Row(vec![
        Cell::text(escaped(&table.name)).with_tone(Tone::Strong),
        state(table),
        Cell::number(count(table.entry_count), figures::count(table.entry_count)),
        Cell::number(bytes(table.weight_bytes), figures::count(table.weight_bytes)),
        Cell::number(percent(Some(fill)), fill),
        Cell::text(bar(fill, FILL_COLUMNS, theme.symbols)).with_tone(Tone::Type(0)),
        of(|rates| rates.hits),
        of(|rates| rates.misses),
        Cell::number(percent(ratio), ratio),
        of(|rates| rates.records),
        if is_evicting { evicted.with_tone(Tone::Warning) } else { evicted },
        Cell::number(staleness.map_or("-".into(), span), staleness),
        of(|rates| rates.expired),
        of(|rates| rates.deleted),
        bytes_cell(table.retained_bytes_per_entry),
        limit(table),
    ])
}

fn bytes_cell(number: i64) -> Cell {
    Cell::number(bytes(number), figures::count(number))
}

/// Stands out where memory is short.
fn limit(table: &TableStats) -> Cell {
    let cell = bytes_cell(table.limit_bytes);
    let is_lowered = table.limit_bytes < table.capacity_bytes;
    if is_lowered { cell.with_tone(Tone::Warning) } else { cell }
}

fn state(table: &TableStats) -> Cell {
    if table.as_of.is_some_and(|as_of| as_of.ready) {
        return Cell::text("ready".into()).with_tone(Tone::Good);
    }
    let done = table.loading.as_ref().map(|loading| {
        let all = figures::count(loading.done_records + loading.remaining_records).max(1.0);
        figures::count(loading.done_records) / all
    });
    let text = done.map_or("loading".into(), |done| format!("{} in", percent(Some(done))));
    Cell::text(text).with_tone(Tone::Warning)
}
