//! Tables of the lookup figures.

use super::side::{BATCHES, Batch, Side};
use crate::args::COMPACT;
use crate::load::{AT_ONCE, CONNECTIONS};
use crate::report::Findings;
use crate::spread::short;
use crate::table::Table;
use crate::targets::{Reached, Target};

/// Positions in [`BATCHES`].
const ONE: usize = 0;
const A_HUNDRED: usize = 2;
const REDIS: &str = "Redis";

pub(super) fn findings(sides: &[Side]) -> Findings {
    let late = sides.iter().flat_map(|side| &side.batches);
    let late = late.map(|batch| batch.idle.late.most().max(batch.busy.late.most()));
    let late = late.fold(0.0, f64::max);
    let about = format!(
        "1 million entries of 36 B + 64 B (fewer in a short run). All keys that are looked up \
         exist. The server has one core and the client the other, over {CONNECTIONS} connections. \
         The broker shares the client's core and runs only while the client does not. An *empty \
         call* goes to tonic's own server on a runtime with several threads, whose requests and \
         answers are empty. CPU is that of the server's process: with {AT_ONCE} calls in flight \
         on each connection, and at a fixed rate, where the server also sleeps and wakes for each \
         call. Latencies are at the fixed rate, from the sending of a call to its whole answer. \
         Calls are sent on time even if earlier ones are unanswered; at worst a call was sent {} \
         us late. *Busy* is while the stream is read at full speed, for as long as it lasts.",
        short(late)
    );
    let tables = vec![cpu(sides), latency(sides)];
    Findings { title: "Lookups", about, tables, reached: reached(sides) }
}

fn cpu(sides: &[Side]) -> Table {
    let mut table = Table::new(&[
        "keys",
        "",
        "CPU us a call",
        "at the rate",
        "times empty",
        "keys a CPU second",
    ]);
    let empty = sides.first().map_or(f64::NAN, |side| side.batches[ONE].full.cpu.median());
    for (at, (keys, _)) in BATCHES.iter().enumerate() {
        for side in sides {
            let Batch { full, idle, .. } = &side.batches[at];
            let median = full.cpu.median();
            if median.is_nan() {
                continue;
            }
            let times = short(median / empty);
            let rate = short(keys_a_second(side, at));
            table.row([keys, &side.name, &full.cpu, &idle.cpu, &times, &rate]);
        }
    }
    table
}

fn latency(sides: &[Side]) -> Table {
    let mut table = Table::new(&[
        "keys",
        "",
        "calls/s",
        "p50 us",
        "p99 us",
        "busy p50",
        "busy p99",
        "records/s then",
    ]);
    for (at, (keys, rate)) in BATCHES.iter().enumerate() {
        for side in sides {
            let Batch { idle, busy, ingested, .. } = &side.batches[at];
            if idle.p50.median().is_nan() {
                continue;
            }
            let (busy50, busy99) = (&busy.p50, &busy.p99);
            table.row([keys, &side.name, rate, &idle.p50, &idle.p99, busy50, busy99, ingested]);
        }
    }
    table
}

/// Targets apply to the compact store. The tables show the other one's figures.
fn reached(sides: &[Side]) -> Reached {
    let named = |name| sides.iter().find(|side| side.name == name);
    let (Some(empty), Some(compact)) = (sides.first(), named(COMPACT)) else {
        return Reached::new();
    };
    let get = &compact.batches[ONE];
    let mut reached = vec![
        (Target::GetCpu, get.full.cpu.over(&empty.batches[ONE].full.cpu)),
        (Target::BusyP99, get.busy.p99.over(&get.idle.p99)),
    ];
    if let Some(redis) = named(REDIS) {
        let times = keys_a_second(compact, A_HUNDRED) / keys_a_second(redis, A_HUNDRED);
        reached.push((Target::BatchKeys, times));
    }
    reached
}

fn keys_a_second(side: &Side, batch: usize) -> f64 {
    let (keys, _) = BATCHES[batch];
    let keys = u32::try_from(keys).map_or(f64::NAN, f64::from);
    keys / side.batches[batch].full.cpu.median() * 1e6
}
