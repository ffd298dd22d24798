//! The expected table, computed from the topic by another client.
//!
//! Shares no code with millpond: another parser reads the JSON, and the rules are those that
//! `README.md` states.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;

use crate::client::BATCH;
use crate::scene::Scene;
use crate::watermarks::reader;

/// The longest wait for the next record.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
const MAX_DOCUMENT_BYTES: usize = 1_200 << 10;
const MAX_KEY_BYTES: usize = 4 << 10;
const MAX_ENTRY_BYTES: usize = 1 << 20;

/// The newest record of a key that changes the table.
#[derive(Debug, Clone)]
struct Newest {
    /// Its time, or that of an earlier record of the same key and partition if that is later.
    time_ms: i64,
    partition: i32,
    /// None if it deletes.
    entry: Option<Expected>,
}

/// The expected entry of a key.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) value: Option<String>,
    pub(crate) expiry_ms: i64,
}

/// Counts of the records of one partition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Read {
    pub(crate) records: i64,
    pub(crate) rejected: i64,
    pub(crate) too_large_entries: i64,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) entries: HashMap<String, Expected>,
    /// The number of records of each batch.
    pub(crate) batches: HashMap<String, usize>,
    pub(crate) partitions: Vec<Read>,
}

/// The effect of a record on the table.
enum Effect {
    Store(String, Option<String>),
    Delete(String),
    /// The record is rejected, and deletes the outdated entry that it would have replaced.
    TooLargeEntry(String),
    Reject,
}

impl Model {
    /// Reads each partition up to its end. Of the newest records of a key in each partition, the one
    /// of the latest time counts, or of equal times that of the highest partition.
    pub(crate) fn read(scene: &Scene, ends: &[i64]) -> anyhow::Result<Self> {
        let mut model = Self {
            entries: HashMap::new(),
            batches: HashMap::new(),
            partitions: vec![Read::default(); ends.len()],
        };
        let mut newest: HashMap<String, Newest> = HashMap::new();
        for (partition, &end) in (0..).zip(ends) {
            for (key, found) in model.read_partition(scene, partition, end)? {
                let known = newest.get(&key).map(|known| (known.time_ms, known.partition));
                if known < Some((found.time_ms, found.partition)) {
                    newest.insert(key, found);
                }
            }
        }
        let entries = newest.into_iter().filter_map(|(key, found)| Some((key, found.entry?)));
        model.entries.extend(entries);
        Ok(model)
    }

    /// The newest record of each key in the partition.
    fn read_partition(
        &mut self,
        scene: &Scene,
        partition: i32,
        end: i64,
    ) -> anyhow::Result<HashMap<String, Newest>> {
        let mut newest = HashMap::new();
        let consumer = reader(scene, "read_committed")?;
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(&scene.topic, partition, Offset::Beginning)?;
        consumer.assign(&all)?;
        let mut since = Instant::now();
        loop {
            match consumer.poll(POLL) {
                Some(Ok(record)) => {
                    self.apply(&record, scene, &mut newest);
                    since = Instant::now();
                }
                Some(Err(KafkaError::PartitionEOF(_))) if is_at(&consumer, scene, end) => {
                    return Ok(newest);
                }
                _ => ensure!(since.elapsed() < PATIENCE, "partition {partition} has no end"),
            }
        }
    }

    fn apply(
        &mut self,
        record: &BorrowedMessage<'_>,
        scene: &Scene,
        newest: &mut HashMap<String, Newest>,
    ) {
        *self.batches.entry(batch_of(record)).or_default() += 1;
        let effect = effect(record.key(), record.payload());
        let index = usize::try_from(record.partition()).unwrap_or_default();
        if let Some(read) = self.partitions.get_mut(index) {
            read.records += 1;
            read.rejected += i64::from(matches!(effect, Effect::Reject | Effect::TooLargeEntry(_)));
            read.too_large_entries += i64::from(matches!(effect, Effect::TooLargeEntry(_)));
        }
        let time_ms = record.timestamp().to_millis().unwrap_or(0);
        let (partition, offset) = (record.partition(), record.offset());
        let (key, entry) = match effect {
            Effect::Reject => return,
            Effect::Delete(key) | Effect::TooLargeEntry(key) => (key, None),
            Effect::Store(key, value) => {
                let expiry_ms = scene.expiry_ms(time_ms);
                (key, Some(Expected { partition, offset, value, expiry_ms }))
            }
        };
        let latest_ms = newest.get(&key).map_or(time_ms, |earlier| earlier.time_ms.max(time_ms));
        newest.insert(key, Newest { time_ms: latest_ms, partition, entry });
    }
}

/// Whether the client has read to `end`, the end of the partition noted before.
fn is_at(consumer: &BaseConsumer, scene: &Scene, end: i64) -> bool {
    let Ok(positions) = consumer.position() else { return false };
    positions.elements_for_topic(&scene.topic).iter().all(|place| match place.offset() {
        Offset::Offset(position) => position >= end,
        // Without a position no record was read: the partition is empty or has only markers.
        _ => true,
    })
}

fn batch_of(record: &BorrowedMessage<'_>) -> String {
    let headers = record.headers().into_iter().flat_map(Headers::iter);
    let mut named = headers.filter(|header| header.key == BATCH);
    let name = named.next().and_then(|header| header.value).unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

fn effect(key: Option<&[u8]>, payload: Option<&[u8]>) -> Effect {
    let Some(payload) = payload else {
        let key = key.and_then(|key| String::from_utf8(key.to_vec()).ok());
        return key.filter(|key| is_key(key)).map_or(Effect::Reject, Effect::Delete);
    };
    if payload.len() > MAX_DOCUMENT_BYTES {
        return Effect::Reject;
    }
    let Ok(document) = serde_json::from_slice::<Value>(payload) else { return Effect::Reject };
    let text = |name| document.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let Some(key) = text("id").filter(|key| is_key(key)) else { return Effect::Reject };
    let value = text("description");
    if value.as_ref().is_some_and(|value| value.len() > MAX_ENTRY_BYTES) {
        return Effect::TooLargeEntry(key);
    }
    Effect::Store(key, value)
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= MAX_KEY_BYTES
}
