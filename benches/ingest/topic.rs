//! The topic that both sides read.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::{Args, new_topic};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Topic {
    pub(crate) name: String,
}

impl Topic {
    /// Makes a topic and fills it: every record has a key of its own.
    pub(crate) fn produce(broker: &str, args: &Args) -> anyhow::Result<Self> {
        let topic = Self { name: format!("bench-{}", std::process::id()) };
        new_topic::create(broker, &topic.name, args.partitions, &[])?;
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", broker)
            .set("linger.ms", "20")
            .set("partitioner", "murmur2_random")
            .create()?;
        let noise = "n".repeat(args.bytes.saturating_sub(120));
        for number in 0..args.records {
            topic.send(&producer, number, &noise)?;
        }
        producer.flush(PATIENCE)?;
        Ok(topic)
    }

    fn send(&self, producer: &BaseProducer, number: u64, noise: &str) -> anyhow::Result<()> {
        let key = format!("key-{number:09}");
        let document = format!(
            r#"{{"noise":"{noise}","id":"{key}","description":"what record {number} is about"}}"#
        );
        let mut record = BaseRecord::to(&self.name).key(&key).payload(&document);
        while let Err((error, refused)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            producer.poll(Duration::from_millis(100));
            record = refused;
        }
        Ok(())
    }
}
