//! The CPU cost of one lookup, by each way to ask for it.

use anyhow::Context;
use millpond_benches::setup::Setup;
use millpond_benches::shape::Shape;

use crate::args::COMPACT;
use crate::load::{Asked, CONNECTIONS, Pace};
use crate::lookup_requests::LookupRequests;
use crate::report::Findings;
use crate::spread::{Spread, short};
use crate::stage::{OwnTopic, Stage};
use crate::statistics;
use crate::table::Table;
use crate::targets::{Reached, Target};
use crate::text_server::Protocol;

const SHAPE: Shape = Shape::USUAL;
const PARTITIONS: i32 = 8;
const DOCUMENT_BYTES: usize = 500;
const MANY: usize = 32;
const BATCH: usize = 100;

/// A way to ask, and what a lookup costs the server.
struct Method {
    name: &'static str,
    /// Calls or lookups in flight on each connection.
    at_once: usize,
    /// Keys in a call.
    keys: usize,
    cpu: Spread,
}

pub(crate) fn measure(stage: &Stage<'_>, broker: &'static str) -> anyhow::Result<Findings> {
    let entries = stage.args.sized(1_000_000, 10_000);
    let topic = OwnTopic::create(broker, "methods", PARTITIONS)?;
    let numbers = 0..entries;
    topic.produce(DOCUMENT_BYTES, numbers.map(|n| (SHAPE.key(n), SHAPE.value(n))))?;
    let method = |name, at_once, keys| Method { name, at_once, keys, cpu: Spread::default() };
    let mut of_millpond = [
        method("`Get`", 1, 1),
        method("`Get`", MANY, 1),
        method("`StreamGet`", 1, 1),
        method("`StreamGet`", MANY, 1),
        method("`BatchGet` of 100", 1, BATCH),
        method("JSON over HTTP/1.1", 1, 1),
    ];
    let mut of_redis = [
        method("Redis `GET`", 1, 1),
        method("Redis `GET`", MANY, 1),
        method("Redis `MGET` of 100", 1, BATCH),
    ];
    let _client = stage.cores.keep_to_client()?;
    for _ in 0..stage.args.repeats() {
        ask_millpond(stage, &topic, entries, &mut of_millpond)?;
        ask_redis(stage, entries, &mut of_redis)?;
    }
    Ok(findings(&of_millpond, &of_redis))
}

fn ask_millpond(
    stage: &Stage<'_>,
    topic: &OwnTopic,
    entries: u64,
    methods: &mut [Method],
) -> anyhow::Result<()> {
    let setup = topic.setup(COMPACT, entries, SHAPE);
    let millpond = Setup { threads: 1, core: stage.cores.server, ..setup }.start()?;
    let server = millpond.id().context("millpond has no process")?;
    statistics::wait_for(millpond.rpc(), |stats| {
        let held = stats.tables.iter().map(|table| table.entry_count.cast_unsigned());
        stats.ready && held.sum::<u64>() >= entries
    })?;
    for method in methods {
        let requests = LookupRequests { batch: method.keys, entries, shape: SHAPE };
        let asked = match method.name {
            "`StreamGet`" => requests.to_lookup_stream(millpond.rpc()),
            "JSON over HTTP/1.1" => requests.to_json(millpond.admin())?,
            _ => requests.to_millpond(millpond.rpc()),
        };
        method.ask(stage, server, &asked)?;
    }
    Ok(())
}

fn ask_redis(stage: &Stage<'_>, entries: u64, methods: &mut [Method]) -> anyhow::Result<()> {
    if !stage.protocols.contains(&Protocol::Redis) {
        return Ok(());
    }
    let server = Protocol::Redis.start(stage.cores.server)?;
    server.fill(SHAPE, 0..entries)?;
    for method in methods {
        let requests = LookupRequests { batch: method.keys, entries, shape: SHAPE };
        method.ask(stage, server.id(), &requests.to_text_server(&server))?;
    }
    Ok(())
}

impl Method {
    fn ask(&mut self, stage: &Stage<'_>, server: u32, asked: &Asked) -> anyhow::Result<()> {
        let load = asked.load(server, Pace::AsAnswered(self.at_once), stage.args.window())?;
        let keys = u32::try_from(self.keys)?;
        self.cpu.add(load.cpu / f64::from(keys));
        Ok(())
    }
}

fn findings(of_millpond: &[Method], of_redis: &[Method]) -> Findings {
    let about = format!(
        "1 million entries of 36 B + 64 B (fewer in a short run) in the compact store. All keys \
         that are looked up exist. The server has one core and the client the other, over \
         {CONNECTIONS} connections, each with so many calls in flight. CPU is that of the server's \
         process for one lookup, and beside it how often that of a `GET` of Redis with one in \
         flight."
    );
    let get = of_redis.first().map(|method| &method.cpu);
    let times = |cpu: &Spread| get.map_or(f64::NAN, |get| cpu.over(get));
    let mut table = Table::new(&["", "in flight", "CPU us a lookup", "times `GET`"]);
    for Method { name, at_once, cpu, .. } in of_millpond.iter().chain(of_redis) {
        table.row([name, at_once, cpu, &short(times(cpu))]);
    }
    let is_target = |method: &&Method| method.name == "`StreamGet`" && method.at_once == MANY;
    let stream = of_millpond.iter().find(is_target);
    let reached = stream.map(|method| (Target::StreamGetCpu, times(&method.cpu)));
    let reached = Reached::from_iter(reached);
    Findings { title: "One lookup by each way to ask", about, tables: vec![table], reached }
}
