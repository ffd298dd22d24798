//! Disturbs the broker: it is stopped or killed, restarted, and its topic grows.

use std::time::Duration;

use fastrand::Rng;
use millpond_acceptance::kafka::KafkaNode;
use millpond_acceptance::topics;

use crate::args::Args;
use crate::scene::Scene;

const MOST_PARTITIONS: i32 = 10;

/// How often each disturbance happened.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    pub(crate) stopped: u64,
    pub(crate) killed: u64,
    pub(crate) grown: u64,
}

/// Disturbs the broker until it is time to stop. The broker runs at the end.
pub(crate) fn trouble(
    node: &mut KafkaNode,
    scene: &Scene,
    args: &Args,
    mut rng: Rng,
) -> anyhow::Result<Troubles> {
    let mut troubles = Troubles::default();
    // In every run, and early: keys then have records in partitions of two times.
    scene.stop.within(Duration::from_millis(rng.u64(1_000..5_000)));
    troubles.grown += u64::from(args.add_partitions && grow(scene)?);
    while !scene.stop.within(Duration::from_millis(rng.u64(2_000..9_000))) {
        let (what, pause) = (rng.u8(..5), Duration::from_millis(rng.u64(..4_000)));
        match what {
            ..2 => {
                node.stop()?;
                troubles.stopped += 1;
            }
            2..4 => {
                node.kill()?;
                troubles.killed += 1;
            }
            _ => {
                troubles.grown += u64::from(args.add_partitions && grow(scene)?);
                continue;
            }
        }
        scene.stop.within(pause);
        node.restart()?;
    }
    Ok(troubles)
}

/// Adds a partition, if there is room for one.
fn grow(scene: &Scene) -> anyhow::Result<bool> {
    let partitions = scene.partitions() + 1;
    if partitions > MOST_PARTITIONS {
        return Ok(false);
    }
    topics::grow_blocking(&scene.bootstrap, &scene.topic, usize::try_from(partitions)?)?;
    scene.set_partitions(partitions);
    Ok(true)
}
