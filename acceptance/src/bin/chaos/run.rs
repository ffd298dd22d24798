//! Runs one seed, from the first record to the verdict.

use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use fastrand::Rng;
use millpond_acceptance::kafka::KafkaNode;
use millpond_acceptance::stop::StopAtEnd;
use millpond_acceptance::topics;

use crate::args::Args;
use crate::broker::{self, Troubles};
use crate::model::Model;
use crate::report::Report;
use crate::scene::{Scene, WRITERS};
use crate::service::Service;
use crate::writer::{Writer, Written};
use crate::{answers, verdict, watermarks};

/// What happened during the disturbances.
struct Happened {
    troubles: Troubles,
    kills: u64,
    written: Written,
}

pub(crate) fn run(seed: u64, node: &mut KafkaNode, args: &Args) -> anyhow::Result<Report> {
    let mut rng = Rng::with_seed(seed);
    let scene = Scene::draw(seed, node.bootstrap(), &mut rng);
    topics::create_blocking(&scene.bootstrap, &scene.topic, scene.partitions(), &[])?;
    let first_partitions = scene.partitions();
    let mut service = Service::start(&scene)?;
    let mut happened = break_everything(&scene, node, &mut service, args, &mut rng)?;
    for number in WRITERS..WRITERS + 2 {
        happened.written.merge(Writer::new(&scene, number, rng.fork()).close()?);
    }
    let ends = watermarks::settled(&scene)?;
    let model = Model::read(&scene, &ends)?;

    let runtime = tokio::runtime::Runtime::new()?;
    let made = (&*ends, &model, &happened.written);
    let judge = |rpc: &str, since| runtime.block_on(verdict::of_process(rpc, since, made, &scene));
    let lived = judge(service.served.rpc(), Instant::now())?;
    let since = Instant::now();
    service.restart(Duration::ZERO)?;
    let rebuilt = judge(service.served.rpc(), since)?;
    let since = Instant::now();
    let second = Service::start_second(&scene)?;
    let second_verdict = judge(second.served.rpc(), since)?;
    let readers = [service.served.rpc(), second.served.rpc()];
    let differences = runtime.block_on(answers::differences(readers, &happened.written.keys))?;

    Ok(Report {
        of_log: verdict::of_log(&model, &happened.written),
        log: service.served.log().to_owned(),
        records_read: model.partitions.iter().map(|read| read.records).sum(),
        troubles: happened.troubles,
        kills: happened.kills + 1,
        written: happened.written,
        partitions: (first_partitions, scene.partitions()),
        lived,
        rebuilt,
        second: second_verdict,
        differences,
        scene: scene.summary(),
        seed,
    })
}

/// Runs writers and disturbances at once, until the time is over or one of them fails.
fn break_everything(
    scene: &Scene,
    node: &mut KafkaNode,
    service: &mut Service<'_>,
    args: &Args,
    rng: &mut Rng,
) -> anyhow::Result<Happened> {
    let writers: Vec<_> =
        (0..WRITERS).map(|number| Writer::new(scene, number, rng.fork())).collect();
    let (for_broker, for_service) = (rng.fork(), rng.fork());
    std::thread::scope(|threads| {
        // A participant that fails stops the others.
        let spawn_writer = |writer: Writer<'_>| {
            let _stop = StopAtEnd(&scene.stop);
            writer.run()
        };
        let writers: Vec<_> =
            writers.into_iter().map(|w| threads.spawn(move || spawn_writer(w))).collect();
        let broker = threads.spawn(move || {
            let _stop = StopAtEnd(&scene.stop);
            broker::trouble(node, scene, args, for_broker)
        });
        let kills = threads.spawn(move || {
            let _stop = StopAtEnd(&scene.stop);
            service.trouble(for_service)
        });
        scene.stop.within(args.run_for);
        scene.stop.ask();
        let (troubles, kills) = (ended(broker), ended(kills));
        let mut written = Written::default();
        for writer in writers {
            written.merge(ended(writer)?);
        }
        Ok(Happened { troubles: troubles?, kills: kills?, written })
    })
}

fn ended<T>(thread: ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
    thread.join().map_err(|_| anyhow!("a thread of the harness died"))?
}
