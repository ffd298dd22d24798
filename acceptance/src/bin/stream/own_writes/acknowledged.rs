//! Writes a record without delay, and returns when the broker has acknowledged it.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext};
use tokio::sync::oneshot;

use crate::asking::Place;

pub(crate) struct Acknowledged(ThreadedProducer<Tell>);

impl Acknowledged {
    pub(crate) fn new(broker: &str) -> anyhow::Result<Self> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", broker)
            .set("linger.ms", "0")
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .create_with_context(Tell)?;
        Ok(Self(producer))
    }

    /// Returns the place of the record, and the time until its acknowledgement.
    pub(crate) async fn write(
        &self,
        topic: &str,
        key: &str,
        document: &str,
    ) -> anyhow::Result<(Place, Duration)> {
        let (told, place) = oneshot::channel();
        let start = Instant::now();
        let record = BaseRecord::with_opaque_to(topic, Box::new(told)).key(key).payload(document);
        self.0.send(record).map_err(|(error, _)| error)?;
        let place = place.await.context("no delivery report came for a record")?;
        Ok((place.map_err(|why| anyhow!("not acknowledged: {why}"))?, start.elapsed()))
    }
}

struct Tell;

impl ClientContext for Tell {}

impl ProducerContext for Tell {
    type DeliveryOpaque = Box<oneshot::Sender<Result<Place, String>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, told: Self::DeliveryOpaque) {
        let place = match result {
            Ok(record) => Ok((record.partition(), record.offset())),
            Err((error, _)) => Err(error.to_string()),
        };
        // The caller may have given up.
        let _ = told.send(place);
    }
}
