//! A producer that knows what became of each batch: idempotent, or with transactions.

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
/// Names the batch of a record.
pub(crate) const BATCH: &str = "batch";
/// For a broker that is down, and slow to come back.
const PATIENCE: Duration = Duration::from_secs(120);
const ONE_ATTEMPT: Duration = Duration::from_secs(1);

/// What the log has to have of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All of it.
    Committed,
    /// Nothing.
    Aborted,
    /// All or nothing: the broker did not say.
    InDoubt,
    /// Any of it: no transaction, and the broker did not say.
    InParts,
}

/// How a batch is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Commit,
    Abort,
    /// The producer goes without a word.
    Vanish,
}

pub(crate) struct Client {
    inner: BaseProducer<Taken>,
    topic: String,
    is_transactional: bool,
}

impl Client {
    /// Returns when what an earlier one of the same id had left open is ended.
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
            // Soon knows of partitions that were added.
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

    /// Whether it was taken on. It is not where the client does not know the partition yet, or
    /// the transaction is broken already.
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

    /// What becomes of the `sent` records since it began. With any other fate than the one
    /// asked for, the client is of no more use.
    pub(crate) fn end(&self, ending: Ending, sent: usize) -> Fate {
        match ending {
            _ if !self.is_transactional => self.flush(sent),
            Ending::Commit => match settle(|| self.inner.commit_transaction(ONE_ATTEMPT)) {
                Ok(()) => Fate::Committed,
                Err(_) => Fate::InDoubt,
            },
            // Where it fails, the next client of the same id ends it, but a record that comes
            // late from this one may be in a transaction of that one.
            Ending::Abort => match settle(|| self.abort()) {
                Ok(()) => Fate::Aborted,
                Err(_) => Fate::InDoubt,
            },
            Ending::Vanish => {
                // So that there is something to abort.
                let _ = self.inner.flush(ONE_ATTEMPT);
                Fate::Aborted
            }
        }
    }

    fn abort(&self) -> KafkaResult<()> {
        // So that there is something to abort; and it waits for reports, which nobody else hears.
        let _ = self.inner.flush(ONE_ATTEMPT);
        self.inner.abort_transaction(ONE_ATTEMPT)
    }

    fn flush(&self, sent: usize) -> Fate {
        let flushed = settle(|| self.inner.flush(ONE_ATTEMPT));
        let taken = self.inner.context().0.swap(0, Ordering::Relaxed);
        if flushed.is_ok() && taken == sent { Fate::Committed } else { Fate::InParts }
    }
}

/// Asks again as long as that may help.
fn settle(mut ask: impl FnMut() -> KafkaResult<()>) -> KafkaResult<()> {
    let start = Instant::now();
    loop {
        match ask() {
            Err(error) if may_yet_be(&error) && start.elapsed() < PATIENCE => {}
            outcome => return outcome,
        }
    }
}

fn may_yet_be(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.is_retriable(),
        KafkaError::Flush(code) => *code == RDKafkaErrorCode::OperationTimedOut,
        _ => false,
    }
}

/// Counts what the broker has taken.
#[derive(Debug, Default)]
struct Taken(AtomicUsize);

impl ClientContext for Taken {}

impl ProducerContext for Taken {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.0.fetch_add(usize::from(result.is_ok()), Ordering::Relaxed);
    }
}
