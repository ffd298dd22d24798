//! The targets, and whether they are met.

use crate::spread::short;
use crate::table::Table;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    EntryBytes,
    ReplacedEntryBytes,
    MokaEntryBytes,
    LargeEntryBytes,
    ReplacedLargeEntryBytes,
    MokaCpu,
    IngestCpu,
    CpuOverGo500,
    CpuOverGo2048,
    CpuOverGoPayloads,
    ReadyOverGo500,
    ReadyOverGo2048,
    ReadyOverGoPayloads,
    PluckSmall,
    PluckPayloads,
    GetCpu,
    BatchKeys,
    StreamGetCpu,
    BusyP99,
    Ready,
}

/// Targets and the figures that were measured for them.
pub(crate) type Reached = Vec<(Target, f64)>;

/// Notes the figure unless a greater one was noted before.
pub(crate) fn keep_most(reached: &mut Reached, target: Target, figure: f64) {
    match reached.iter_mut().find(|(each, _)| *each == target) {
        Some((_, most)) => *most = most.max(figure),
        None => reached.push((target, figure)),
    }
}

enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

use Aim::{AtLeast, AtMost};

const TARGETS: [(Target, &str, Aim, &str); 20] = [
    (
        Target::EntryBytes,
        "compact: resident bytes a live entry of 36 B + 64 B, 1M entries with a time to live, over \
         the empty process",
        AtMost(122.0),
        "B",
    ),
    (
        Target::ReplacedEntryBytes,
        "compact: the same after as many replacements",
        AtMost(130.0),
        "B",
    ),
    (Target::MokaEntryBytes, "moka: the same before replacements", AtMost(330.0), "B"),
    (Target::LargeEntryBytes, "compact: the same of 36 B + 1,000 B", AtMost(1075.0), "B"),
    (
        Target::ReplacedLargeEntryBytes,
        "compact: of 36 B + 1,000 B, after as many replacements",
        AtMost(1120.0),
        "B",
    ),
    (Target::MokaCpu, "moka: ingest CPU a record of 500 B, against compact", AtMost(1.6), "times"),
    (
        Target::IngestCpu,
        "compact: ingest CPU a record of 500 B, against polling and dropping",
        AtMost(2.0),
        "times",
    ),
    (
        Target::CpuOverGo500,
        "compact: ingest CPU a record of 500 B, against Go with gjson",
        AtMost(0.75),
        "times",
    ),
    (
        Target::CpuOverGo2048,
        "compact: ingest CPU a record of 2 KB, against Go with gjson",
        AtMost(0.75),
        "times",
    ),
    (
        Target::CpuOverGoPayloads,
        "compact: ingest CPU a record of given payloads, against Go with gjson",
        AtMost(0.75),
        "times",
    ),
    (
        Target::ReadyOverGo500,
        "compact, default settings in 1 GiB: time to ready, 500 B, against Go with gjson",
        AtMost(1.0),
        "times",
    ),
    (
        Target::ReadyOverGo2048,
        "compact, default settings in 1 GiB: time to ready, 2 KB, against Go with gjson",
        AtMost(1.0),
        "times",
    ),
    (
        Target::ReadyOverGoPayloads,
        "compact, default settings in 1 GiB: time to ready, given payloads, against Go with gjson",
        AtMost(1.0),
        "times",
    ),
    (
        Target::PluckSmall,
        "plucking documents of 500 B, against simd-json's tape alone",
        AtLeast(1.9),
        "times",
    ),
    (
        Target::PluckPayloads,
        "plucking payloads, against simd-json's tape alone",
        AtLeast(2.0),
        "times",
    ),
    (
        Target::GetCpu,
        "compact: `Get`: server CPU a call, against an empty call on tonic",
        AtMost(0.65),
        "times",
    ),
    (
        Target::BatchKeys,
        "compact: `BatchGet` of 100: keys a server CPU second, against Redis' `MGET` of 100",
        AtLeast(2.0),
        "times",
    ),
    (
        Target::StreamGetCpu,
        "compact: `StreamGet` with 32 lookups in flight: server CPU a lookup, against a `GET` of Redis",
        AtMost(1.0),
        "times",
    ),
    (
        Target::BusyP99,
        "compact: `Get`: p99 while ingesting at full speed, against idle, one core each",
        AtMost(1.5),
        "times",
    ),
    (
        Target::Ready,
        "time to ready from a backlog, against its records by the ingest rate",
        AtMost(1.2),
        "times",
    ),
];

pub(crate) fn table(reached: &Reached) -> Table {
    let mut table = Table::of_words(&["what", "aim", "reached", ""]);
    for (target, what, aim, unit) in &TARGETS {
        let aimed = match aim {
            AtMost(bound) => format!("at most {bound} {unit}"),
            AtLeast(bound) => format!("at least {bound} {unit}"),
        };
        let found = reached.iter().find(|(each, figure)| each == target && figure.is_finite());
        let Some(&(_, figure)) = found else {
            table.row([what, &aimed, &"not measured", &""]);
            continue;
        };
        let is_met = match aim {
            AtMost(bound) => figure <= *bound,
            AtLeast(bound) => figure >= *bound,
        };
        let verdict = if is_met { "met" } else { "missed" };
        table.row([what, &aimed, &format!("{} {unit}", short(figure)), &verdict]);
    }
    table
}
