//! The topics of the tables, and the records that tests put into them.
//!
//! Owns the producer. Knows nothing of the services that read the topics.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use millpond_acceptance::broker::Broker;
use millpond_client::v1::PartitionOffset;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext};
use tokio::sync::oneshot;

use crate::settings;

/// More than one, so that a position names the right one.
const PARTITIONS: i32 = 2;
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a record went, or why it was refused.
type Report = Result<PartitionOffset, KafkaError>;

/// The topics of all tables.
pub(crate) struct Stream(ThreadedProducer<Reports>);

impl Stream {
    /// Creates the topics.
    pub(crate) async fn new(broker: &Broker) -> Result<Self> {
        for table in settings::ALL {
            broker.create_named(table.name, PARTITIONS).await;
        }
        let producer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            // A test waits for most records.
            .set("linger.ms", "1")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", "16777216")
            // The in-process broker keeps 5 MiB of a partition, as they were sent.
            .set("compression.type", "zstd")
            .create_with_context(Reports)?;
        Ok(Self(producer))
    }

    /// Produces a document, or a tombstone if there is none. Returns when the broker has acknowledged
    /// it.
    pub(crate) async fn produce(
        &self,
        table: &str,
        key: &str,
        document: Option<&str>,
    ) -> Result<PartitionOffset> {
        ensure!(settings::ALL.iter().any(|known| known.name == table), "there is no table {table}");
        let (sender, report) = oneshot::channel();
        let mut record = BaseRecord::with_opaque_to(table, Box::new(sender)).key(key);
        record.payload = document;
        self.0.send(record).map_err(|(error, _)| anyhow!("the record was refused: {error}"))?;
        Ok(report.await??)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // What is still under way when a run fails is of no use.
        let _ = self.0.flush(PATIENCE);
    }
}

/// Passes each delivery report to the one who waits for it.
struct Reports;

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<oneshot::Sender<Report>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sender: Self::DeliveryOpaque) {
        let report = match result {
            Ok(record) => {
                Ok(PartitionOffset { partition: record.partition(), offset: record.offset() })
            }
            Err((error, _)) => Err(error.clone()),
        };
        // A caller that was cut off does not wait any more.
        let _ = sender.send(report);
    }
}
