//! Whether the main figures stay the same with more entries, partitions and tables.

use millpond_acceptance::cost::exact;
use millpond_benches::reading::Reading;
use millpond_benches::setup::Setup;
use millpond_benches::shape::Shape;

use crate::load::{AT_ONCE, Micros, Pace};
use crate::lookup_requests::LookupRequests;
use crate::report::Findings;
use crate::resident;
use crate::spread::Spread;
use crate::stage::{OwnTopic, Stage};
use crate::table::Table;
use crate::targets::Reached;

const SHAPE: Shape = Shape::USUAL;
const DOCUMENT_BYTES: usize = 500;
const PARTITIONS: i32 = 8;
const TIMES: [u32; 3] = [1, 4, 16];
const ABOUT: &str = "\
The main figures at 1, 4 and 16 times the size: resident bytes an entry over the empty process, \
ingest CPU of documents of 500 B, server CPU of a `Get` at full load, and the time to ready \
divided by the time that the records take at the ingest rate. All tables read the same topic, so \
a record counts once for each table. No process is restricted to a core.";

/// The numbers of entries, partitions and tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    entries: u64,
    partitions: i32,
    tables: u32,
}

#[derive(Default)]
struct Figures {
    entry_bytes: Spread,
    cpu: Spread,
    get: Micros<Spread>,
    ready: Spread,
}

pub(crate) fn measure(stage: &Stage<'_>, broker: &'static str) -> anyhow::Result<Findings> {
    let mut table = Table::new(&[
        "entries a table",
        "partitions",
        "tables",
        "",
        "B an entry",
        "CPU s a million",
        "CPU us a Get",
        "ready, times",
    ]);
    let (entries, times) = stage.args.sized((500_000, &TIMES[..]), (5_000, &TIMES[..2]));
    for size in sizes(entries, times) {
        let Size { entries, partitions, tables } = size;
        let figures = measure_all(stage, broker, size)?;
        for (store, figures) in stage.args.stores.iter().zip(&figures) {
            let Figures { entry_bytes, cpu, get, ready } = figures;
            let get = &get.cpu;
            table.row([&entries, &partitions, &tables, store, entry_bytes, cpu, get, ready]);
        }
    }
    let reached = Reached::new();
    Ok(Findings { title: "Growth", about: ABOUT.to_owned(), tables: vec![table], reached })
}

/// The cases. Only one number grows at a time.
fn sizes(entries: u64, times: &[u32]) -> Vec<Size> {
    let least = Size { entries, partitions: PARTITIONS, tables: 1 };
    let times = || times.iter().copied();
    let entries = times().map(|times| Size { entries: entries * u64::from(times), ..least });
    let partitions = |times: u32| PARTITIONS * times.cast_signed();
    let partitions = times().map(|times| Size { partitions: partitions(times), ..least });
    let tables = times().map(|tables| Size { tables, ..least });
    let mut sizes: Vec<_> = entries.chain(partitions).chain(tables).collect();
    // The smallest case is part of each series.
    let mut seen = Vec::new();
    sizes.retain(|size| {
        !seen.contains(size) && {
            seen.push(*size);
            true
        }
    });
    sizes
}

/// The figures of each store.
fn measure_all(
    stage: &Stage<'_>,
    broker: &'static str,
    size: Size,
) -> anyhow::Result<Vec<Figures>> {
    let Size { entries, partitions, tables } = size;
    let name = |what: &str| format!("{what}-{entries}-{partitions}-{tables}");
    let empty = OwnTopic::create(broker, &name("growth-empty"), partitions)?;
    let topic = OwnTopic::create(broker, &name("growth"), partitions)?;
    let records = (0..entries).map(|number| (SHAPE.key(number), SHAPE.value(number)));
    topic.produce(DOCUMENT_BYTES, records)?;
    let mut all: Vec<_> = stage.args.stores.iter().map(|_| Figures::default()).collect();
    for _ in 0..stage.args.repeats() {
        for (store, figures) in stage.args.stores.iter().zip(&mut all) {
            figures.add(stage, size, &empty.setup(store, entries, SHAPE), &topic.name)?;
        }
    }
    Ok(all)
}

impl Figures {
    /// Adds a measurement. `setup` has an empty topic, whose memory is subtracted.
    fn add(
        &mut self,
        stage: &Stage<'_>,
        size: Size,
        setup: &Setup<'_>,
        topic: &str,
    ) -> anyhow::Result<()> {
        let setup = Setup { tables: size.tables as usize, ..setup.clone() };
        let empty = Reading::read(&setup, 0)?;
        let empty = resident::settled_bytes(empty.process, stage.settle())?;
        let records = size.entries * u64::from(size.tables);
        let reading = Reading::read(&Setup { topic, ..setup }, records)?;
        let full = resident::settled_bytes(reading.process, stage.settle())?;
        self.entry_bytes.add(exact(full.saturating_sub(empty)) / exact(records));
        self.cpu.add(reading.cost.cpu_a_million(records));
        self.ready.add(reading.ready_over_rate());
        let asked = LookupRequests { batch: 1, entries: size.entries, shape: SHAPE };
        let asked = asked.to_millpond(reading.served.rpc());
        let load =
            asked.load(reading.process, Pace::AsAnswered(AT_ONCE), stage.args.window() / 3)?;
        self.get.add(load);
        Ok(())
    }
}
