//! The rows of those who call: what their calls took, by table.

use crate::cli::output::{bytes, count, escaped};
use crate::cli::stats::rpc::cause_text;
use crate::cli::top::figures::{self, CallerRates, seconds};
use crate::cli::top::format::{percent, rate, span};
use crate::cli::top::grid::{Cell, Column, Grid, Row};
use crate::cli::top::model::Model;
use crate::cli::top::theme::Tone;
use crate::proto::v1::{CallerStats, RpcStats};

const COLUMNS: [Column; 10] = [
    Column { title: "caller", width: 20, priority: 0 },
    Column { title: "table", width: 12, priority: 4 },
    Column { title: "calls/s", width: 8, priority: 1 },
    Column { title: "busy", width: 5, priority: 2 },
    Column { title: "shed", width: 8, priority: 3 },
    Column { title: "slowest", width: 8, priority: 5 },
    Column { title: "keys/s", width: 8, priority: 6 },
    Column { title: "calls", width: 12, priority: 7 },
    Column { title: "answers", width: 10, priority: 8 },
    Column { title: "busy time", width: 9, priority: 9 },
];
const BUSY: usize = 3;

pub(super) fn grid(model: &Model) -> Grid {
    let rpc = model.stats.rpc.as_ref();
    let rates = |caller: &CallerStats| model.rates.as_ref()?.caller(caller);
    let callers = rpc.map(|rpc| rpc.callers.as_slice()).unwrap_or_default();
    let mut rows: Vec<_> = callers.iter().map(|caller| row(caller, rates(caller))).collect();
    rows.extend(rpc.into_iter().flat_map(shed_rows));
    Grid { columns: &COLUMNS, rows, sorted_by: BUSY, nothing: "nobody has called yet" }
}

fn row(caller: &CallerStats, rates: Option<CallerRates>) -> Row {
    let of = |rate_of: fn(CallerRates) -> f64| rates.map(rate_of);
    let (calls, keys, busy) = (of(|r| r.calls), of(|r| r.keys), of(|r| r.busy));
    let table = if caller.table.is_empty() { "-".into() } else { escaped(&caller.table) };
    Row(vec![
        Cell::text(escaped(&caller.caller)),
        Cell::text(table),
        Cell::number(rate(calls), calls),
        Cell::number(percent(busy), busy),
        warned(caller.shed_count),
        duration(caller.slowest_time.as_ref()),
        Cell::number(rate(keys), keys),
        Cell::number(count(caller.call_count), figures::count(caller.call_count)),
        Cell::number(bytes(caller.answer_bytes), figures::count(caller.answer_bytes)),
        duration(caller.busy_time.as_ref()),
    ])
}

fn duration(time: Option<&prost_types::Duration>) -> Cell {
    let time = time.map_or(0.0, seconds);
    Cell::number(span(time), time)
}

/// Calls that were shed, whosever they were.
fn shed_rows(rpc: &RpcStats) -> impl Iterator<Item = Row> {
    let shed = rpc.shed_calls.iter().filter(|shed| shed.count > 0);
    shed.map(|shed| {
        let none = || Cell::number("-".into(), None);
        let text = format!("shed: {}", cause_text(shed.cause()));
        let (text, table) = (Cell::text(text), Cell::text("-".into()));
        let rest = (5..COLUMNS.len()).map(|_| none());
        Row([text, table, none(), none(), warned(shed.count)].into_iter().chain(rest).collect())
    })
}

fn warned(number: i64) -> Cell {
    let cell = Cell::number(count(number), figures::count(number));
    if number > 0 { cell.with_tone(Tone::Warning) } else { cell }
}
