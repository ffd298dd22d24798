//! The resident memory of a live entry.

use millpond_acceptance::cost::exact;
use millpond_benches::reading::Reading;
use millpond_benches::shape::Shape;

use crate::args::COMPACT;
use crate::capacity::raw_bytes;
use crate::report::Findings;
use crate::resident;
use crate::spread::Spread;
use crate::stage::{OwnTopic, Stage};
use crate::table::Table;
use crate::targets::{Reached, Target};

const PARTITIONS: i32 = 8;
/// The number of entries that the targets are for.
const AIMED_AT: u64 = 1_000_000;
const ABOUT: &str = "\
Processes that hold this many entries, each with a time to live: millpond filled through Kafka, \
Redis (`SET` with `EX`) and memcached through their protocols. The bytes are the resident memory \
of the whole process once it is steady, and its growth since the process was empty, each divided \
by the live entries. *Raw* is key and value alone. There are as many replacements as entries, and \
each replaces another entry.";

/// The number of entries, and their shape.
#[derive(Debug, Clone, Copy)]
struct Fill {
    entries: u64,
    shape: Shape,
}

/// Bytes for each entry.
#[derive(Default)]
struct Held {
    whole: Spread,
    grown: Spread,
}

/// Resident bytes.
struct Resident {
    empty: u64,
    loaded: u64,
}

pub(crate) fn measure(stage: &Stage<'_>, broker: &'static str) -> anyhow::Result<Findings> {
    let mut table = Table::new(&[
        "entries",
        "",
        "B an entry, whole",
        "grown by",
        "times raw",
        "replaced: whole",
        "grown by",
    ]);
    let mut reached = Reached::new();
    for fill in fills(stage) {
        let mut sides = Vec::new();
        through_kafka(stage, broker, fill, &mut sides)?;
        over_protocols(stage, fill, &mut sides)?;
        for (name, fresh, replaced) in &sides {
            let what = format!("{} of {}", fill.entries, fill.shape);
            let times = fresh.grown.median() / exact(raw_bytes(fill.shape));
            let shown = format!("{times:.2}");
            let Held { whole, grown } = fresh;
            table.row([&what, name, whole, grown, &shown, &replaced.whole, &replaced.grown]);
        }
        note(&mut reached, fill, &sides);
    }
    Ok(Findings { title: "Memory", about: ABOUT.to_owned(), tables: vec![table], reached })
}

fn note(reached: &mut Reached, fill: Fill, sides: &Sides) {
    let Shape { key_bytes, value_bytes } = fill.shape;
    let targets = match (fill.entries, key_bytes, value_bytes) {
        (AIMED_AT, 36, 64) => [Target::EntryBytes, Target::ReplacedEntryBytes],
        (AIMED_AT, 36, 1_000) => [Target::LargeEntryBytes, Target::ReplacedLargeEntryBytes],
        _ => return,
    };
    let of = |name: &str| sides.iter().find(|(each, ..)| each == name);
    if let Some((_, fresh, replaced)) = of(COMPACT) {
        let grown = [fresh, replaced].map(|held| held.grown.median());
        reached.extend(targets.into_iter().zip(grown));
    }
    if let (Some((_, fresh, _)), Target::EntryBytes) = (of("moka"), targets[0]) {
        reached.push((Target::MokaEntryBytes, fresh.grown.median()));
    }
}

fn fills(stage: &Stage<'_>) -> Vec<Fill> {
    let of =
        |entries, key_bytes, value_bytes| Fill { entries, shape: Shape { key_bytes, value_bytes } };
    let whole = vec![
        of(AIMED_AT, 36, 64),
        of(AIMED_AT, 20, 16),
        of(AIMED_AT, 36, 200),
        of(AIMED_AT, 36, 1_000),
        of(10_000_000, 36, 64),
    ];
    stage.args.sized(whole, vec![of(20_000, 36, 64)])
}

type Sides = Vec<(String, Held, Held)>;

/// Every store reads the same topic, before and after replacements are added to it.
fn through_kafka(
    stage: &Stage<'_>,
    broker: &'static str,
    fill: Fill,
    sides: &mut Sides,
) -> anyhow::Result<()> {
    let Fill { entries, shape } = fill;
    let empty =
        OwnTopic::create(broker, &format!("empty-{}-{entries}", raw_bytes(shape)), PARTITIONS)?;
    let topic =
        OwnTopic::create(broker, &format!("full-{}-{entries}", raw_bytes(shape)), PARTITIONS)?;
    let rss = |topic: &OwnTopic, store, records| {
        let reading = Reading::read(&topic.setup(store, entries, shape), records)?;
        resident::settled_bytes(reading.process, stage.settle())
    };
    for round in 0..2 {
        topic.produce(0, (0..entries).map(|number| (shape.key(number), shape.value(number))))?;
        for (at, store) in stage.args.stores.iter().enumerate() {
            let mut held = Held::default();
            for _ in 0..repeats(stage, fill) {
                let empty = rss(&empty, store, 0)?;
                let loaded = rss(&topic, store, entries * (round + 1))?;
                held.add(&Resident { empty, loaded }, entries);
            }
            match sides.get_mut(at) {
                Some((_, _, replaced)) => *replaced = held,
                None => sides.push((store.clone(), held, Held::default())),
            }
        }
    }
    Ok(())
}

fn over_protocols(stage: &Stage<'_>, fill: Fill, sides: &mut Sides) -> anyhow::Result<()> {
    let Fill { entries, shape } = fill;
    for &protocol in &stage.protocols {
        let (mut fresh, mut replaced) = (Held::default(), Held::default());
        for _ in 0..repeats(stage, fill) {
            let server = protocol.start(None)?;
            let rss = || resident::settled_bytes(server.id(), stage.settle());
            let empty = rss()?;
            server.fill(shape, 0..entries)?;
            fresh.add(&Resident { empty, loaded: rss()? }, entries);
            server.fill(shape, (0..entries).rev())?;
            replaced.add(&Resident { empty, loaded: rss()? }, entries);
        }
        sides.push((protocol.name().to_owned(), fresh, replaced));
    }
    Ok(())
}

/// Ten million entries are measured only once.
fn repeats(stage: &Stage<'_>, fill: Fill) -> u64 {
    if fill.entries > 1_000_000 { 1 } else { stage.args.repeats() }
}

impl Held {
    fn add(&mut self, resident: &Resident, entries: u64) {
        let each = |bytes| exact(bytes) / exact(entries);
        self.whole.add(each(resident.loaded));
        self.grown.add(each(resident.loaded.saturating_sub(resident.empty)));
    }
}
