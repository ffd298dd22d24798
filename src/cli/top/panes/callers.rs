//! The rows of those who call.
//!
//! Without a policy callers are not told apart, and then what became of all calls is listed.

use crate::cli::output::{count, escaped};
use crate::cli::stats::rpc::cause_text;
use crate::cli::top::figures;
use crate::cli::top::format::rate;
use crate::cli::top::grid::{Cell, Column, Grid, Row};
use crate::cli::top::model::Model;
use crate::cli::top::theme::Tone;
use crate::proto::v1::{AccessStats, IdentityStats, RpcStats};

const COLUMNS: [Column; 5] = [
    Column { title: "caller", width: 14, priority: 0 },
    Column { title: "calls/s", width: 8, priority: 1 },
    Column { title: "calls", width: 12, priority: 2 },
    Column { title: "shed", width: 10, priority: 3 },
    Column { title: "denied", width: 10, priority: 4 },
];
const CALLS: usize = 2;

pub(super) fn grid(model: &Model) -> Grid {
    let rpc = model.stats.rpc.as_ref();
    let access = rpc.and_then(|rpc| rpc.access.as_ref());
    let mut rows: Vec<_> =
        access.into_iter().flat_map(|access| identities(access, model)).collect();
    rows.extend(rpc.into_iter().flat_map(shed_rows));
    Grid {
        columns: &COLUMNS,
        rows,
        sorted_by: CALLS,
        nothing: "callers are told apart once there is an [[rpc.allow]]; no call was shed",
    }
}

fn identities<'a>(
    access: &'a AccessStats,
    model: &'a Model,
) -> impl Iterator<Item = Row> + use<'a> {
    access.identities.iter().map(|seen| {
        let calls = model.rates.as_ref().and_then(|rates| rates.caller(&seen.identity));
        let IdentityStats { identity, allowed_count, denied_count, shed_count } = seen;
        Row(vec![
            Cell::text(escaped(identity)),
            Cell::number(rate(calls), calls),
            counted(*allowed_count),
            warned(*shed_count),
            warned(*denied_count),
        ])
    })
}

/// Calls that were shed, whosever they were.
fn shed_rows(rpc: &RpcStats) -> impl Iterator<Item = Row> {
    let shed = rpc.shed_calls.iter().filter(|shed| shed.count > 0);
    shed.map(|shed| {
        let none = || Cell::number("-".into(), None);
        let text = format!("shed: {}", cause_text(shed.cause()));
        Row(vec![Cell::text(text), none(), none(), warned(shed.count), none()])
    })
}

fn counted(number: i64) -> Cell {
    Cell::number(count(number), figures::count(number))
}

fn warned(number: i64) -> Cell {
    let cell = counted(number);
    if number > 0 { cell.with_tone(Tone::Warning) } else { cell }
}
