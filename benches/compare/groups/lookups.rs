//! The CPU cost and the latency of lookups, when idle and while the stream is read.

mod side;
mod tables;

use std::time::Instant;

use anyhow::Context;
use millpond_acceptance::caller::polled;
use millpond_acceptance::cost::exact;
use millpond_benches::setup::Setup;
use millpond_benches::shape::Shape;

use crate::empty_server::EmptyServer;
use crate::load::{AT_ONCE, Asked, Pace};
use crate::lookup_requests::LookupRequests;
use crate::report::Findings;
use crate::stage::{OwnTopic, Stage};
use crate::statistics;
use crate::text_server::Protocol;
use side::{BATCHES, Batch, Side};

const SHAPE: Shape = Shape::USUAL;
const PARTITIONS: i32 = 8;
const DOCUMENT_BYTES: usize = 500;
pub(crate) const EMPTY: &str = "empty call";

/// A topic with the entries, and records that replace some of them while lookups are measured.
struct Stream {
    topic: OwnTopic,
    entries: u64,
    records: u64,
}

pub(crate) fn measure(stage: &Stage<'_>, broker: &'static str) -> anyhow::Result<Findings> {
    let stream = Stream::produce(stage, broker)?;
    let mut sides = vec![Side::new(EMPTY)];
    sides.extend(stage.args.stores.iter().map(|store| Side::new(store)));
    sides.extend(stage.protocols.iter().map(|protocol| Side::new(protocol.name())));
    let _client = stage.cores.keep_to_client()?;
    for _ in 0..stage.args.repeats() {
        let mut sides = sides.iter_mut();
        sides.by_ref().take(1).try_for_each(|side| ask_empty_server(stage, side))?;
        for (store, side) in stage.args.stores.iter().zip(sides.by_ref()) {
            ask_millpond(stage, &stream, store, side)?;
        }
        for (&protocol, side) in stage.protocols.iter().zip(sides) {
            ask_text_server(stage, stream.entries, protocol, side)?;
        }
    }
    Ok(tables::findings(&sides))
}

impl Stream {
    fn produce(stage: &Stage<'_>, broker: &'static str) -> anyhow::Result<Self> {
        let (entries, replacements) = stage.args.sized((1_000_000, 8_000_000), (10_000, 100_000));
        let topic = OwnTopic::create(broker, "lookups", PARTITIONS)?;
        let records = entries + replacements;
        let mut random = fastrand::Rng::with_seed(2);
        let replaced = (0..replacements).map(|_| random.u64(..entries));
        let numbers = (0..entries).chain(replaced);
        topic.produce(
            DOCUMENT_BYTES,
            numbers.map(|number| (SHAPE.key(number), SHAPE.value(number))),
        )?;
        Ok(Self { topic, entries, records })
    }

    fn requests(&self, batch: usize) -> LookupRequests {
        LookupRequests { batch, entries: self.entries, shape: SHAPE }
    }
}

fn ask_empty_server(stage: &Stage<'_>, side: &mut Side) -> anyhow::Result<()> {
    let server = EmptyServer::start(stage.cores.server)?;
    ask_idle(
        stage,
        server.id(),
        &LookupRequests::to_empty_server(&server),
        BATCHES[0].1,
        &mut side.batches[0],
    )
}

fn ask_millpond(
    stage: &Stage<'_>,
    stream: &Stream,
    store: &str,
    side: &mut Side,
) -> anyhow::Result<()> {
    let setup = stream.topic.setup(store, stream.entries, SHAPE);
    let millpond = Setup { threads: 1, core: stage.cores.server, ..setup }.start()?;
    let server = millpond.id().context("millpond has no process")?;
    let rpc = millpond.rpc();
    statistics::wait_for(rpc, |stats| {
        stats.tables.iter().any(|t| t.entry_count.cast_unsigned() >= stream.entries)
    })?;
    for (&(batch, rate), figures) in BATCHES.iter().zip(&mut side.batches) {
        let asked = stream.requests(batch).to_millpond(rpc);
        let (start, before) = (Instant::now(), polled(&statistics::now(rpc)?));
        let load = asked.load(server, Pace::Rate(rate), stage.args.window() / 2)?;
        let after = polled(&statistics::now(rpc)?);
        // Otherwise the stream was idle for a part of the window.
        if after < stream.records {
            figures.busy.add(load);
            figures.ingested.add(exact(after - before) / start.elapsed().as_secs_f64());
        }
    }
    statistics::wait_for(rpc, |stats| stats.ready && polled(stats) >= stream.records)?;
    for (&(batch, rate), figures) in BATCHES.iter().zip(&mut side.batches) {
        ask_idle(stage, server, &stream.requests(batch).to_millpond(rpc), rate, figures)?;
    }
    Ok(())
}

fn ask_text_server(
    stage: &Stage<'_>,
    entries: u64,
    protocol: Protocol,
    side: &mut Side,
) -> anyhow::Result<()> {
    let server = protocol.start(stage.cores.server)?;
    server.fill(SHAPE, 0..entries)?;
    for (&(batch, rate), figures) in BATCHES.iter().zip(&mut side.batches) {
        let requests = LookupRequests { batch, entries, shape: SHAPE };
        ask_idle(stage, server.id(), &requests.to_text_server(&server), rate, figures)?;
    }
    Ok(())
}

fn ask_idle(
    stage: &Stage<'_>,
    server: u32,
    asked: &Asked,
    rate: u32,
    figures: &mut Batch,
) -> anyhow::Result<()> {
    figures.full.add(asked.load(server, Pace::AsAnswered(AT_ONCE), stage.args.window())?);
    figures.idle.add(asked.load(server, Pace::Rate(rate), stage.args.window())?);
    Ok(())
}
