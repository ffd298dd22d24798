//! The service of one seed. It is killed and started again.

use std::time::Duration;

use fastrand::Rng;
use millpond_acceptance::served::Served;

use crate::scene::Scene;

pub(crate) struct Service<'a> {
    scene: &'a Scene,
    pub(crate) served: Served,
}

impl<'a> Service<'a> {
    /// Starts the service, and returns when it listens.
    pub(crate) fn start(scene: &'a Scene) -> anyhow::Result<Self> {
        let log = format!("chaos-{}.log", scene.seed);
        Ok(Self { scene, served: Served::start_release(&settings(scene, scene.threads), &log)? })
    }

    /// Starts a second service, which reads the partitions in another order: by one thread where
    /// the first has several, and by several where it has one.
    pub(crate) fn start_second(scene: &'a Scene) -> anyhow::Result<Self> {
        let log = format!("chaos-{}-second.log", scene.seed);
        let threads = if scene.threads == 1 { 3 } else { 1 };
        Ok(Self { scene, served: Served::start_release(&settings(scene, threads), &log)? })
    }

    /// Kills the service, and starts it again after `pause`.
    pub(crate) fn restart(&mut self, pause: Duration) -> anyhow::Result<()> {
        self.served.kill()?;
        self.scene.stop.within(pause);
        self.served.run()
    }

    /// Kills and restarts the service until it is time to stop. Returns how often.
    pub(crate) fn trouble(&mut self, mut rng: Rng) -> anyhow::Result<u64> {
        let mut kills = 0;
        while !self.scene.stop.within(Duration::from_millis(rng.u64(2_000..10_000))) {
            self.restart(Duration::from_millis(rng.u64(..2_000)))?;
            kills += 1;
        }
        Ok(kills)
    }
}

fn settings(scene: &Scene, threads: u32) -> Vec<String> {
    let start = if scene.from_earliest { "earliest" } else { "alive" };
    vec![
        format!("kafka.brokers={}", scene.bootstrap),
        "memory.limit=1GiB".into(),
        format!("ingest.threads={threads}"),
        format!("ingest.start={start}"),
        "ingest.max_document=1200KiB".into(),
        format!("tables.0.topic={}", scene.topic),
        "tables.0.name=services".into(),
        "tables.0.key=/id".into(),
        "tables.0.fields.description=/description".into(),
        format!("tables.0.ttl={}s", scene.ttl.as_secs()),
        // Room for a ghost entry of every key, so that no older record is taken for new.
        "tables.0.capacity=512MiB".into(),
        "rpc.listen=127.0.0.1:0".into(),
        "admin.listen=127.0.0.1:0".into(),
    ]
}
