//! The cost of a record from the broker into the table, compared with polling and dropping it.

use millpond_acceptance::cost::{Cost, exact};
use millpond_benches::bare;
use millpond_benches::reading::Reading;
use millpond_benches::shape::Shape;
use millpond_benches::workload::Workload;

use crate::args::COMPACT;
use crate::report::Findings;
use crate::spread::Spread;
use crate::stage::{OwnTopic, Stage};
use crate::table::Table;
use crate::targets::{Reached, Target, keep_most};

const DOCUMENT_BYTES: [usize; 3] = [500, 2_048, 10_240];
const PARTITIONS: [i32; 2] = [8, 64];
const THREADS: usize = 2;
const ABOUT: &str = "\
Each side is a process that reads the same topic from its beginning with two threads, on all \
cores and beside the broker. The bare loop polls with librdkafka and drops the records. CPU is \
that of the whole process, its start included. *Ready* is the time from the start of the process \
until it is ready, divided by the time that its records take at the rate between the first and \
the last tenth of them.";

/// The figures of one side.
#[derive(Default)]
struct Side {
    cpu: Spread,
    rate: Spread,
    peak_mib: Spread,
    ready: Spread,
}

pub(crate) fn measure(stage: &Stage<'_>, broker: &'static str) -> anyhow::Result<Findings> {
    let mut table = Table::new(&[
        "documents, partitions",
        "",
        "CPU s a million",
        "times bare",
        "records/s",
        "peak RSS, MiB",
        "ready, times",
    ]);
    let mut reached = Reached::new();
    for &bytes in stage.args.sized(&DOCUMENT_BYTES[..], &DOCUMENT_BYTES[..1]) {
        for partitions in PARTITIONS {
            let records = stage.args.sized(1_000_000_000, 2_000_000) / bytes as u64;
            let workload = Workload { records, bytes, partitions, threads: THREADS };
            let (bare, sides) = measure_all(stage, broker, &workload)?;
            let what = format!("{bytes} B, {partitions}");
            let none = Spread::default();
            table.row([&what, &"bare", &bare.cpu, &"1", &bare.rate, &bare.peak_mib, &none]);
            for (store, side) in stage.args.stores.iter().zip(&sides) {
                let (times, ready) = (side.cpu.over(&bare.cpu), side.ready.median());
                let shown = format!("{times:.2}");
                let Side { cpu, rate, peak_mib, ready: readies } = side;
                table.row([&what, store, cpu, &shown, rate, peak_mib, readies]);
                if store == COMPACT {
                    keep_most(&mut reached, Target::Ready, ready);
                }
                if store == COMPACT && bytes == DOCUMENT_BYTES[0] {
                    keep_most(&mut reached, Target::IngestCpu, times);
                }
            }
        }
    }
    Ok(Findings { title: "Ingest", about: ABOUT.to_owned(), tables: vec![table], reached })
}

/// The bare loop, and millpond with each store. They take turns, so that other load on the machine
/// affects all of them.
fn measure_all(
    stage: &Stage<'_>,
    broker: &'static str,
    workload: &Workload,
) -> anyhow::Result<(Side, Vec<Side>)> {
    let &Workload { records, bytes, partitions, .. } = workload;
    let shape = Shape::USUAL;
    let topic = OwnTopic::create(broker, &format!("ingest-{bytes}-{partitions}"), partitions)?;
    topic.produce(bytes, (0..records).map(|number| (shape.key(number), shape.value(number))))?;
    let mut bare = Side::default();
    let mut sides: Vec<_> = stage.args.stores.iter().map(|_| Side::default()).collect();
    for _ in 0..stage.args.repeats() {
        bare.add(&bare::measure(broker, &topic.name, workload)?, records);
        for (store, side) in stage.args.stores.iter().zip(&mut sides) {
            let reading = Reading::read(&topic.setup(store, records, shape), records)?;
            side.add(&reading.cost, records);
            side.ready.add(reading.ready_over_rate());
        }
    }
    Ok((bare, sides))
}

impl Side {
    fn add(&mut self, cost: &Cost, records: u64) {
        self.cpu.add(cost.cpu_a_million(records));
        self.rate.add(cost.records_a_second(records));
        self.peak_mib.add(exact(cost.rss_peak_kib) / 1024.0);
    }
}
