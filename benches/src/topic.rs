//! A topic that all sides of a comparison read.

use std::time::Duration;

use millpond_acceptance::topics;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const PATIENCE: Duration = Duration::from_secs(60);
/// The size of a document without its key, its description and its noise.
const FRAME_BYTES: usize = r#"{"noise":"","id":"","description":""}"#.len();

/// A topic, and a producer for it.
pub struct Topic {
    /// Its name on the broker.
    pub name: String,
    producer: BaseProducer,
}

impl Topic {
    /// Creates an empty topic.
    pub fn create(broker: &str, name: String, partitions: i32) -> anyhow::Result<Self> {
        topics::create_blocking(broker, &name, partitions, &[])?;
        let producer = ClientConfig::new()
            .set("bootstrap.servers", broker)
            .set("linger.ms", "20")
            .set("partitioner", "murmur2_random")
            .create()?;
        Ok(Self { name, producer })
    }

    /// Adds a record for each key and description. Each document has this many bytes, or more if
    /// its fields need them.
    pub fn produce(
        &self,
        bytes: usize,
        records: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<()> {
        let noise = "n".repeat(bytes);
        for (key, description) in records {
            let taken = FRAME_BYTES + key.len() + description.len();
            let noise = &noise[..bytes.saturating_sub(taken)];
            let document =
                format!(r#"{{"noise":"{noise}","id":"{key}","description":"{description}"}}"#);
            self.send(&key, document.as_bytes())?;
        }
        Ok(self.producer.flush(PATIENCE)?)
    }

    /// Adds these documents. The keys of their records are numbers.
    pub fn produce_documents<'a>(
        &self,
        documents: impl Iterator<Item = &'a Vec<u8>>,
    ) -> anyhow::Result<()> {
        for (number, document) in documents.enumerate() {
            self.send(&number.to_string(), document)?;
        }
        Ok(self.producer.flush(PATIENCE)?)
    }

    fn send(&self, key: &str, document: &[u8]) -> anyhow::Result<()> {
        let mut record = BaseRecord::to(&self.name).key(key).payload(document);
        while let Err((error, refused)) = self.producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            self.producer.poll(Duration::from_millis(100));
            record = refused;
        }
        Ok(())
    }
}
