//! Makes a thread's Kafka client anew when a partition has stalled in it.
//!
//! The new one goes on from our own positions, so nothing is lost or handled twice: what the
//! old one had fetched and not handed out goes with it.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::grants::Grant;
use super::{Worker, assignment};
use crate::ingest::consumer::{Client, create_client};
use crate::ingest::watchdog;

/// How long the broker may take to say how far all still partitions reach.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// A partition that has stalled: its topic's place among those that are read, its number.
pub(super) type Stalled = (usize, i32);

impl Worker {
    /// The partitions that have stalled, if it is time to look and there are any.
    pub(super) fn find_stalled(&mut self, client: &Client) -> Option<Vec<Stalled>> {
        let now = Instant::now();
        if now < self.watch_at {
            return None;
        }
        let stall_timeout = self.shared.config.ingest.stall_timeout;
        self.watch_at = now + watchdog::interval(stall_timeout);
        let asked = Instant::now();
        let ends = self.ends_of_still(client).unwrap_or_default();
        let mut stalled = Vec::new();
        for (index, topic) in self.reading.iter_mut().enumerate() {
            let (name, mut behind) = (topic.share.topic.clone(), Vec::new());
            let is_refused = topic.grant != Grant::Given;
            for (partition, position, watch) in topic.share.watches() {
                // A broker that does not answer explains it, and so does a closed pause_handle.
                let Some(end) = end_in(&ends, &name, partition) else {
                    watch.forget();
                    continue;
                };
                // Another client would be refused it too.
                if watch.has_stalled(end, now, stall_timeout) && !is_refused {
                    stalled.push((index, partition));
                }
                if watch.is_behind_at(position) {
                    behind.push((partition, end));
                }
            }
            for (partition, end) in behind {
                topic.share.is_told(partition, end, asked);
            }
        }
        (!stalled.is_empty()).then_some(stalled)
    }

    /// The ends of all partitions that have not come on, as far as brokers say them.
    fn ends_of_still(&mut self, client: &Client) -> KafkaResult<TopicPartitionList> {
        let mut topics = Vec::new();
        for topic in &mut self.reading {
            let name = topic.share.topic.clone();
            let mut still = TopicPartitionList::new();
            for (partition, position, watch) in topic.share.watches() {
                if !watch.has_moved_to(position) {
                    still.add_partition_offset(&name, partition, Offset::End)?;
                }
            }
            // Asking about none is an error to librdkafka.
            topics.extend((still.count() > 0).then_some(still));
        }
        if self.is_paused || self.shared.pause_handle.is_paused() {
            return Ok(TopicPartitionList::new());
        }
        ask_for_ends(client, &topics)
    }

    /// A new client that reads on where the old one is; or the old one if there can be none.
    pub(super) fn rebuild(&mut self, old: Client, stalled: &[Stalled]) -> Client {
        let new = match self.client_at_positions() {
            Ok(new) => new,
            Err(error) => {
                tracing::error!(%error, thread = self.number, "a stalled client cannot be replaced");
                return old;
            }
        };
        self.is_paused = false;
        for &(index, partition) in stalled {
            let Some(topic) = self.reading.get(index) else { continue };
            topic.share.rebuilt(partition);
            let topic = &topic.share.topic;
            tracing::warn!(topic, partition, "reading had stalled, going on with a new client");
        }
        for topic in &mut self.reading {
            topic.share.starts_over();
            topic.share.watches().for_each(|(_, _, watch)| watch.forget());
        }
        // Whatever it hangs in may keep it from closing too.
        let closing = thread::Builder::new().name(format!("close-{}", self.number));
        if let Err(error) = closing.spawn(move || drop(old)) {
            tracing::warn!(%error, "a stalled client was closed by the thread that reads");
        }
        new
    }

    /// Made by a thread that adopts no account: the client is the client's memory.
    fn client_at_positions(&self) -> KafkaResult<Client> {
        let (config, reading) = (&self.shared.config, &self.reading);
        let make = move || {
            let client = create_client(config)?;
            for topic in reading {
                let places = topic.share.next_offsets();
                if !places.is_empty() {
                    client.incremental_assign(&assignment(&topic.share.topic, places)?)?;
                }
            }
            Ok(client)
        };
        let client = thread::scope(|scope| scope.spawn(make).join());
        client.unwrap_or(Err(KafkaError::Canceled))
    }
}

/// By one question to each broker: a question may wait until there is something to fetch,
/// and the thread with it. A single fault is all of its answer, so topics are then asked
/// for one by one: what is wrong with one says nothing about the others.
fn ask_for_ends(client: &Client, topics: &[TopicPartitionList]) -> KafkaResult<TopicPartitionList> {
    let until = Instant::now() + ASK_TIMEOUT;
    let together = joined(topics)?;
    if together.count() == 0 {
        return Ok(together);
    }
    let told = client.offsets_for_times(together, ASK_TIMEOUT / 2);
    if told.is_ok() || topics.len() == 1 {
        return told;
    }
    let ask = |topic: &TopicPartitionList| {
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| client.offsets_for_times(topic.clone(), left).ok())?
    };
    joined(&topics.iter().filter_map(ask).collect::<Vec<_>>())
}

fn joined(topics: &[TopicPartitionList]) -> KafkaResult<TopicPartitionList> {
    let mut all = TopicPartitionList::new();
    let elements = topics.iter().flat_map(TopicPartitionList::elements);
    for element in elements.filter(|element| element.error().is_ok()) {
        all.add_partition_offset(element.topic(), element.partition(), element.offset())?;
    }
    Ok(all)
}

fn end_in(ends: &TopicPartitionList, topic: &str, partition: i32) -> Option<i64> {
    let found = ends.find_partition(topic, partition)?;
    found.error().ok()?;
    if let Offset::Offset(end) = found.offset() { Some(end) } else { None }
}
