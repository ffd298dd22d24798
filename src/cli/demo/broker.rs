//! The demo's Kafka: librdkafka's in-process cluster, and a producer with a fixed rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};

use super::events::{Event, Events};

/// The time between two batches.
const TICK: Duration = Duration::from_millis(20);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    pub(super) fn start(topic: &str, partitions: i32) -> anyhow::Result<Self> {
        let cluster = MockCluster::new(1).context("cannot start the in-process kafka")?;
        cluster.create_topic(topic, partitions, 1).context("cannot create the topic")?;
        Ok(Self { cluster })
    }

    pub(super) fn bootstrap(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}

/// Counts of the records that were produced.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Produced {
    pub(super) records: u64,
    pub(super) tombstones: u64,
    pub(super) broken: u64,
    pub(super) payload_bytes: u64,
}

/// A thread that produces until it is stopped.
pub(super) struct Producer {
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<Produced>,
}

impl Producer {
    pub(super) fn start(broker: &Broker, topic: &str, rate: u32) -> anyhow::Result<Self> {
        let client: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .set("linger.ms", "5")
            .create()
            .context("cannot create the producer")?;
        let stopping = Arc::new(AtomicBool::new(false));
        let (stop, topic) = (Arc::clone(&stopping), topic.to_owned());
        let thread = thread::Builder::new().name("demo-producer".into());
        let thread = thread.spawn(move || produce(&client, &topic, rate, &stop))?;
        Ok(Self { stopping, thread })
    }

    /// Stops producing, and returns the counts of all that was produced.
    pub(super) fn stop(self) -> Produced {
        self.stopping.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn produce(client: &BaseProducer, topic: &str, rate: u32, stop: &AtomicBool) -> Produced {
    let mut events = Events::new();
    let mut produced = Produced::default();
    let started = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let due = started.elapsed().as_millis() * u128::from(rate) / 1_000 + 1;
        while u128::from(produced.records) < due && !stop.load(Ordering::Relaxed) {
            let event = events.next_event();
            if send(client, topic, &event) {
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
fn send(client: &BaseProducer, topic: &str, event: &Event) -> bool {
    let mut record = BaseRecord::<str, [u8]>::to(topic).key(&event.key);
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
            Err((error, _)) => {
                tracing::warn!(%error, "cannot produce");
                return false;
            }
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
