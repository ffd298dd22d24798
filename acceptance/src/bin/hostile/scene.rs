//! A full table in a small container with a running stream: the service that peers attack.
//!
//! Owns the processes and the producer's thread. Knows nothing of the peers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, anyhow};
use millpond_acceptance::container::Container;
use millpond_acceptance::producer::{Delivered, Producer};
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;
use millpond_acceptance::{cargo, kafka, topics};

use crate::args::ServiceArgs;
use crate::entries::{Entries, TABLE};
use crate::pressure::Statistics;
use crate::target::Target;

const PARTITIONS: i32 = 8;

pub(crate) struct Scene {
    pub(crate) served: Served,
    /// After the process in it, which has to end before.
    pub(crate) container: Container,
    stream: Stream,
}

/// The thread that goes on producing.
struct Stream {
    delivered: Arc<Delivered>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Scene {
    /// Starts everything, and waits until the service is ready.
    pub(crate) async fn start(name: &str, args: &ServiceArgs) -> anyhow::Result<Self> {
        let container = Container::new(args.limit_bytes).context("this needs a container")?;
        let broker = kafka::require(name).context("this needs a broker")?;
        let topic = format!("{name}-{}", std::process::id());
        topics::create(broker, &topic, PARTITIONS, &[]).await?;
        let stream = Stream::start(broker, &topic, args)?;
        let program = container.command_line(cargo::millpond()?);
        let log = cargo::log_file(&format!("{topic}.log"))?;
        let served = Served::start(program, &settings(broker, &topic, args), log)?;
        let scene = Self { served, container, stream };
        say(&format!("millpond's log is {}", scene.served.log().display()));
        scene.statistics()?.wait_until_ready().await?;
        Ok(scene)
    }

    /// Starts the service again if it has ended. Returns whether it had.
    pub(crate) async fn restart_if_ended(&mut self) -> anyhow::Result<bool> {
        if self.served.ended()?.is_none() {
            return Ok(false);
        }
        // It says that the service ended by itself, which is known.
        let _ = self.served.kill();
        self.served.run()?;
        self.statistics()?.wait_until_ready().await?;
        Ok(true)
    }

    pub(crate) fn statistics(&self) -> anyhow::Result<Statistics> {
        Statistics::connect(self.served.rpc().parse()?)
    }

    /// The service as the well-behaved client reaches it. Ports change at a restart.
    pub(crate) fn target(&self) -> anyhow::Result<Target> {
        let address = |text: &str| text.parse::<SocketAddr>();
        let (rpc, admin) = (address(self.served.rpc())?, address(self.served.admin())?);
        Ok(Target { rpc, admin, network: 0 })
    }

    /// The number of records in the stream so far.
    pub(crate) fn record_count(&self) -> u64 {
        self.stream.delivered.count.load(Ordering::Relaxed)
    }

    /// The same as it grows.
    pub(crate) fn records(&self) -> Arc<Delivered> {
        Arc::clone(&self.stream.delivered)
    }

    /// Ends the stream and the service.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.stream.stop()?;
        let status = self.served.stop()?;
        status
            .filter(std::process::ExitStatus::success)
            .map(drop)
            .with_context(|| format!("it did not end well when it was asked to: {status:?}"))
    }
}

impl Stream {
    fn start(broker: &str, topic: &str, args: &ServiceArgs) -> anyhow::Result<Self> {
        let entries = Arc::new(Entries::new());
        let mut producer = Producer::new(broker, topic, PARTITIONS, "none", entries)?;
        let full = Entries::filling(args.limit_bytes);
        producer.fill(|records, _| records < full)?;
        let (delivered, stop) = (producer.delivered(), Arc::new(AtomicBool::new(false)));
        let (rate, stopped) = (args.produce_rate, Arc::clone(&stop));
        let thread = std::thread::spawn(move || producer.keep_adding(rate, &stopped));
        Ok(Self { delivered, stop, thread: Some(thread) })
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().map_err(|_| anyhow!("the producer's thread died")).flatten()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // A failure of the run was reported before.
        let _ = self.stop();
    }
}

/// The settings of a service whose table has the records of `topic`.
pub(crate) fn settings(broker: &str, topic: &str, args: &ServiceArgs) -> Vec<String> {
    let mut settings = vec![
        format!("kafka.brokers={broker}"),
        "memory.limit=auto".into(),
        "ingest.threads=2".into(),
        format!("tables.0.topic={topic}"),
        format!("tables.0.name={TABLE}"),
        "tables.0.key=/id".into(),
        "tables.0.fields.description=/description".into(),
        "tables.0.ttl=24h".into(),
        format!("tables.0.capacity={}", args.capacity),
        "rpc.listen=127.0.0.1:0".into(),
        "admin.listen=127.0.0.1:0".into(),
    ];
    settings.extend_from_slice(&args.settings);
    settings
}
