//! `millpond demo-kafka`: the demo's Kafka, which `kafka_process.rs` starts and talks to.
//!
//! The cluster is librdkafka's mock cluster. It speaks the real protocol over loopback, so nothing
//! has to be installed. A producer with a fixed rate feeds it.

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use serde::{Deserialize, Serialize};

use super::events::{Event, Events};
use crate::cli::failure::Failure;
use crate::cli::runtime::block_on;
use crate::shutdown;

pub(super) const TOPIC: &str = "service-events";
pub(super) const PARTITIONS: i32 = 8;
/// The time between two batches.
const TICK: Duration = Duration::from_millis(20);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// The rate of the events.
#[derive(Debug, Args)]
pub(in crate::cli) struct KafkaArgs {
    /// Records to produce a second
    #[arg(long)]
    rate: u32,
}

/// Serves Kafka until the input ends.
pub(in crate::cli) fn run(args: &KafkaArgs) -> Result<(), Failure> {
    block_on(async {
        // A terminal interrupts this process too, and the demo needs it for its last figures.
        let _interrupts_are_ignored = shutdown::requested()?;
        Ok(serve(args.rate)?)
    })
}

fn serve(rate: u32) -> anyhow::Result<()> {
    let cluster: MockCluster<'static, DefaultProducerContext> =
        MockCluster::new(1).context("cannot start the in-process kafka")?;
    cluster.create_topic(TOPIC, PARTITIONS, 1).context("cannot create the topic")?;
    let bootstrap = cluster.bootstrap_servers();
    let mut output = io::stdout();
    writeln!(output, "{bootstrap}")?;
    let mut producer = None;
    for command in io::stdin().lock().lines() {
        if command? == "produce" {
            producer = Some(Producer::start(&bootstrap, rate)?);
        } else {
            let counts = producer.take().map(Producer::stop).unwrap_or_default();
            writeln!(output, "{}", serde_json::to_string(&counts)?)?;
        }
    }
    Ok(())
}

/// Counts of the records that were produced.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Produced {
    pub(super) records: u64,
    pub(super) tombstones: u64,
    pub(super) broken: u64,
    pub(super) payload_bytes: u64,
}

/// A thread that produces until it is stopped.
struct Producer {
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<Produced>,
}

impl Producer {
    fn start(bootstrap: &str, rate: u32) -> anyhow::Result<Self> {
        let client: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("linger.ms", "5")
            .create()
            .context("cannot create the producer")?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = thread::Builder::new().name("demo-producer".into());
        let thread = thread.spawn(move || produce(&client, rate, &stop))?;
        Ok(Self { stopping, thread })
    }

    /// Stops producing, and returns the counts of all that was produced.
    fn stop(self) -> Produced {
        self.stopping.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn produce(client: &BaseProducer, rate: u32, stop: &AtomicBool) -> Produced {
    let mut events = Events::new();
    let mut produced = Produced::default();
    let started = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let due = started.elapsed().as_millis() * u128::from(rate) / 1_000 + 1;
        while u128::from(produced.records) < due && !stop.load(Ordering::Relaxed) {
            let event = events.next_event();
            if send(client, &event) {
                produced.count(&event);
            }
        }
        // Serves delivery reports and waits for the next batch.
        client.poll(TICK);
    }
    // Records that are not delivered by then are counted as missing in the summary.
    let _ = client.flush(FLUSH_TIMEOUT);
    produced
}

/// Sends an event, and waits while the queue is full. Returns whether it was queued.
fn send(client: &BaseProducer, event: &Event) -> bool {
    let mut record = BaseRecord::<str, [u8]>::to(TOPIC).key(&event.key);
    if let Some(payload) = &event.payload {
        record = record.payload(payload);
    }
    loop {
        match client.send(record) {
            Ok(()) => return true,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                client.poll(TICK);
            }
            // It is not counted as produced.
            Err(_) => return false,
        }
    }
}

impl Produced {
    fn count(&mut self, event: &Event) {
        self.records += 1;
        self.tombstones += u64::from(event.payload.is_none());
        self.broken += u64::from(event.broken);
        self.payload_bytes += event.payload.as_ref().map_or(0, Vec::len) as u64;
    }
}
