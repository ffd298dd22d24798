//! The ends of the partitions, once no transaction is open any more.

use std::time::{Duration, Instant};

use anyhow::ensure;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::scene::Scene;

/// A broker that was killed recovers, and aborts the transactions that were left open.
const PATIENCE: Duration = Duration::from_secs(90);
const ONE_ANSWER: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);

/// A client with this `isolation` level.
pub(crate) fn reader(scene: &Scene, isolation: &str) -> anyhow::Result<BaseConsumer> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", &scene.bootstrap)
        .set("group.id", "chaos")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("isolation.level", isolation)
        .create()?)
}

/// For each partition, the offset after its last record or marker.
pub(crate) fn settled(scene: &Scene) -> anyhow::Result<Vec<i64>> {
    let all = reader(scene, "read_uncommitted")?;
    let committed = reader(scene, "read_committed")?;
    let start = Instant::now();
    loop {
        let (stable, ends) = (ends(&committed, scene)?, ends(&all, scene)?);
        if stable == ends {
            return Ok(ends);
        }
        let waited = start.elapsed();
        ensure!(waited < PATIENCE, "a transaction stays open: {stable:?} of {ends:?} are stable");
        // Nothing is assigned, so this only waits.
        drop(all.poll(LOOK));
    }
}

fn ends(client: &BaseConsumer, scene: &Scene) -> anyhow::Result<Vec<i64>> {
    let end = |partition| Ok(client.fetch_watermarks(&scene.topic, partition, ONE_ANSWER)?.1);
    (0..scene.partitions()).map(end).collect()
}
