//! The cost of a record from the broker into the table, compared with polling and dropping it, and
//! with the peers.

mod case;
mod reader;
mod side;

use crate::args::COMPACT;
use crate::peers::Peer;
use crate::report::Findings;
use crate::stage::{OwnTopic, Stage};
use crate::table::Table;
use crate::targets::{Reached, Target, keep_most};
use case::Case;
use reader::Reader;
use side::Side;

const ABOUT: &str = "\
Each side is a process that reads the same topic from its beginning, on all cores and beside the \
broker. millpond and the bare loop have two threads. The bare loop polls with librdkafka and \
drops the records. *compact, defaults* is millpond with the default settings of a container of 1 \
GiB. The peers (`benches/peers/`) are what an engineer writes in an afternoon: a Go program that \
reads with franz-go, plucks with gjson or encoding/json and keeps a map under a lock, and a Kafka \
Streams application with Jackson and a global store in memory. They have no time to live, no \
capacity and no counters, and read the topics of 8 partitions only. `MILLPOND_TEST_PAYLOADS` \
names a file of payloads to read too. CPU is that of the whole process, its start included. \
*Ready* is the time from the start of the process until it is ready or has caught up: in seconds, \
and divided by the time that its records take at the rate between the first and the last tenth of \
them.";

pub(crate) fn measure(stage: &Stage<'_>, broker: &'static str) -> anyhow::Result<Findings> {
    let mut table = Table::new(&[
        "documents, partitions",
        "",
        "CPU s a million",
        "times bare",
        "records/s",
        "peak RSS, MiB",
        "ready, s",
        "ready, times",
    ]);
    let mut reached = Reached::new();
    for case in Case::all(stage.args)? {
        let sides = measure_all(stage, broker, &case)?;
        for side in &sides {
            let Side { reader, cpu, rate, peak_mib, ready, ready_times, .. } = side;
            let times = format!("{:.2}", cpu.over(&sides[0].cpu));
            table.row([&case, reader, cpu, &times, rate, peak_mib, ready, ready_times]);
        }
        note(&mut reached, &case, &sides);
    }
    Ok(Findings { title: "Ingest", about: ABOUT.to_owned(), tables: vec![table], reached })
}

/// The bare loop first. The sides take turns, so that other load on the machine affects all of
/// them.
fn measure_all<'a>(
    stage: &'a Stage<'_>,
    broker: &'static str,
    case: &Case,
) -> anyhow::Result<Vec<Side<'a>>> {
    let topic = OwnTopic::create(broker, &case.topic(), case.partitions)?;
    case.produce(&topic)?;
    let readers = Reader::all(stage, case);
    let mut sides: Vec<_> = readers.into_iter().map(Side::new).collect();
    for _ in 0..stage.args.repeats() {
        for side in &mut sides {
            side.add(broker, &topic, case)?;
        }
    }
    side::check_entries(&sides)?;
    Ok(sides)
}

fn note(reached: &mut Reached, case: &Case, sides: &[Side<'_>]) {
    let of = |reader: fn(&Reader<'_>) -> bool| sides.iter().find(|side| reader(&side.reader));
    let is_gjson =
        |reader: &Reader<'_>| matches!(reader, Reader::Peer(p) if p.peer == Peer::GoGjson);
    let gjson = of(is_gjson);
    if let Some(compact) = of(|reader| matches!(reader, Reader::Store(COMPACT))) {
        keep_most(reached, Target::Ready, compact.ready_times.median());
        if case.is_smallest() {
            keep_most(reached, Target::IngestCpu, compact.cpu.over(&sides[0].cpu));
            if let Some(moka) = of(|reader| matches!(reader, Reader::Store("moka"))) {
                keep_most(reached, Target::MokaCpu, moka.cpu.over(&compact.cpu));
            }
        }
        if let (Some(aims), Some(gjson)) = (case.aims, gjson) {
            reached.push((aims.cpu_over_go, compact.cpu.over(&gjson.cpu)));
        }
    }
    let by_default = of(|reader| matches!(reader, Reader::Defaults));
    if let (Some(aims), Some(by_default), Some(gjson)) = (case.aims, by_default, gjson) {
        reached.push((aims.ready_over_go, by_default.ready.over(&gjson.ready)));
    }
}
