//! A producer that knows the fate of each batch. It is idempotent, or uses transactions.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

use crate::draft::Draft;
use crate::scene::Scene;

pub(crate) const COMPRESSIONS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
/// The header with the name of a record's batch.
pub(crate) const BATCH: &str = "batch";
/// Long enough for a broker that is down and restarts slowly.
const PATIENCE: Duration = Duration::from_secs(120);
const ONE_ATTEMPT: Duration = Duration::from_secs(1);

/// What the log must contain of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All records.
    Committed,
    /// No record.
    Aborted,
    /// All records or none: the broker did not confirm the outcome.
    InDoubt,
    /// Any part: there was no transaction, and the broker did not confirm all records.
    InParts,
}

/// How a batch is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Commit,
    Abort,
    /// The producer disappears without ending the transaction.
    Vanish,
}

pub(crate) struct Client {
    inner: BaseProducer<Taken>,
    topic: String,
    is_transactional: bool,
}

impl Client {
    /// Creates a client. Returns when the open transaction of an earlier client of this id is over.
    pub(crate) fn new(
        scene: &Scene,
        transactional_id: Option<&str>,
        compression: &str,
    ) -> anyhow::Result<Self> {
        let mut settings = ClientConfig::new();
        settings
            .set("bootstrap.servers", &scene.bootstrap)
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("compression.type", compression)
            .set("message.max.bytes", "16777216")
            .set("reconnect.backoff.max.ms", "500")
            // Notices added partitions soon.
            .set("topic.metadata.refresh.interval.ms", "500");
        if let Some(id) = transactional_id {
            settings.set("transactional.id", id).set("transaction.timeout.ms", "60000");
        }
        let inner = settings.create_with_context(Taken::default())?;
        let topic = scene.topic.clone();
        let client = Self { inner, topic, is_transactional: transactional_id.is_some() };
        if client.is_transactional {
            settle(|| client.inner.init_transactions(ONE_ATTEMPT))?;
        }
        Ok(client)
    }

    pub(crate) fn begin(&self) -> KafkaResult<()> {
        if self.is_transactional { self.inner.begin_transaction() } else { Ok(()) }
    }

    /// Queues a record. Returns false if the client does not know the partition yet, or if the
    /// transaction has failed already.
    pub(crate) fn send(&self, draft: &Draft, batch: &str) -> anyhow::Result<bool> {
        let headers = OwnedHeaders::new().insert(Header { key: BATCH, value: Some(batch) });
        let mut record = BaseRecord::<str, [u8]>::to(&self.topic).key(&draft.key).headers(headers);
        record.partition = Some(draft.partition);
        record.payload = draft.payload.as_deref();
        record.timestamp = Some(draft.time_ms);
        let start = Instant::now();
        while let Err((error, refused)) = self.inner.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Ok(false);
            }
            ensure!(start.elapsed() < PATIENCE, "the broker takes no more");
            self.inner.poll(Duration::from_millis(50));
            record = refused;
        }
        Ok(true)
    }

    /// Ends the batch of `sent` records, and returns its fate. After any other fate than the one
    /// asked for, the client must not be used again.
    pub(crate) fn end(&self, ending: Ending, sent: usize) -> Fate {
        match ending {
            _ if !self.is_transactional => self.flush(sent),
            Ending::Commit => match settle(|| self.inner.commit_transaction(ONE_ATTEMPT)) {
                Ok(()) => Fate::Committed,
                Err(_) => Fate::InDoubt,
            },
            // If this fails, the next client of the same id aborts the transaction. But a late
            // record of this client may end up in a transaction of that one.
            Ending::Abort => match settle(|| self.abort()) {
                Ok(()) => Fate::Aborted,
                Err(_) => Fate::InDoubt,
            },
            Ending::Vanish => {
                // Sends the records, so that there is something to abort.
                let _ = self.inner.flush(ONE_ATTEMPT);
                Fate::Aborted
            }
        }
    }

    fn abort(&self) -> KafkaResult<()> {
        // Sends the records, so that there is something to abort, and serves the delivery reports.
        let _ = self.inner.flush(ONE_ATTEMPT);
        self.inner.abort_transaction(ONE_ATTEMPT)
    }

    fn flush(&self, sent: usize) -> Fate {
        let flushed = settle(|| self.inner.flush(ONE_ATTEMPT));
        let taken = self.inner.context().0.swap(0, Ordering::Relaxed);
        if flushed.is_ok() && taken == sent { Fate::Committed } else { Fate::InParts }
    }
}

/// Repeats a request while that may help.
fn settle(mut ask: impl FnMut() -> KafkaResult<()>) -> KafkaResult<()> {
    let start = Instant::now();
    loop {
        match ask() {
            Err(error) if is_retriable(&error) && start.elapsed() < PATIENCE => {}
            outcome => return outcome,
        }
    }
}

fn is_retriable(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.is_retriable(),
        KafkaError::Flush(code) => *code == RDKafkaErrorCode::OperationTimedOut,
        _ => false,
    }
}

/// Counts the records that the broker has acknowledged.
#[derive(Debug, Default)]
struct Taken(AtomicUsize);

impl ClientContext for Taken {}

impl ProducerContext for Taken {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.0.fetch_add(usize::from(result.is_ok()), Ordering::Relaxed);
    }
}
