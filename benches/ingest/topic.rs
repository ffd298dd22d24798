//! The topic that both sides read.

use std::time::Duration;

use anyhow::{Context, anyhow};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::Args;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Topic {
    pub(crate) name: String,
}

impl Topic {
    /// Makes a topic and fills it: every record has a key of its own.
    pub(crate) fn produce(broker: &str, args: &Args) -> anyhow::Result<Self> {
        let topic = Self { name: format!("bench-{}", std::process::id()) };
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(topic.create(broker, args.partitions))?;
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

    async fn create(&self, broker: &str, partitions: i32) -> anyhow::Result<()> {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", broker).create()?;
        let request = NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let made = admin.create_topics([&request], &options).await?;
        let made = made.into_iter().next().context("no answer")?;
        made.map(drop).map_err(|(topic, error)| anyhow!("cannot make {topic}: {error}"))
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
