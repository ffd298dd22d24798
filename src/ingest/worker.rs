//! One ingest thread: a consumer, its share of every topic, and the poll loop.

mod beginning;
mod grants;
mod paused;
mod rebuild;
mod upkeep;

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Shared;
use super::consumer::{Client, create_client};
use super::loading;
use super::pluck_context::PluckContext;
use super::share::{Ending, TopicAssignment};
use super::table_source::TableSource;
use super::watermarks::Watermarks;
use crate::heap;
use crate::record::{Origin, Timestamp};
use grants::Grant;

/// How long a turn may wait for a record.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// What is due from time to time is looked at once for so many records.
const RECORDS_A_TURN: usize = 64;
/// How long to wait before a topic is asked for again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often a fault of the stream is spoken of.
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How often it is said how far loading is.
const SAY_LOADING_AFTER: Duration = Duration::from_secs(5);

pub(super) struct Worker {
    number: usize,
    shared: Arc<Shared>,
    /// Topics that wait for the broker to say where to start.
    waiting: VecDeque<Topic>,
    retry_at: Instant,
    /// Topics that are being read.
    reading: Vec<Topic>,
    context: PluckContext,
    /// Records handled in all.
    records: u64,
    /// How often the client said that some topic may not be read, and whether it just did.
    refusals: u64,
    refusal_is_told: bool,
    fault_said: Option<Instant>,
    is_paused: bool,
    watermarks: Watermarks,
    /// How many ends were asked for while paused.
    ends_asked: usize,
    /// When it is said how far loading is.
    say_at: Instant,
    /// When partitions that stand still are looked for.
    watch_at: Instant,
}

struct Topic {
    number: usize,
    ttl: Duration,
    /// Whether its records' timestamps tell for how long they can be alive.
    lives_from_record: bool,
    share: TopicAssignment,
    /// Whether Kafka answers and does not give it.
    is_refused: bool,
    /// When it is looked at next, once it is read.
    look_at: Instant,
    /// How many looks in a row did not find it.
    missing_looks: u32,
    /// Whether a position may be one that its partition does not have.
    is_astray: bool,
    grant: Grant,
}

impl Worker {
    pub(super) fn new(number: usize, shared: Arc<Shared>, sources: &[TableSource]) -> Self {
        Self {
            number,
            waiting: beginning::topics(sources, &shared),
            retry_at: Instant::now(),
            reading: Vec::new(),
            context: PluckContext::new(&shared.large_document_lock),
            records: 0,
            refusals: 0,
            refusal_is_told: false,
            fault_said: None,
            is_paused: false,
            watermarks: Watermarks::new(Instant::now()),
            ends_asked: 0,
            say_at: Instant::now() + SAY_LOADING_AFTER,
            watch_at: Instant::now(),
            shared,
        }
    }

    pub(super) fn run(mut self) {
        // Before the thread adopts its account: the client is the client's memory.
        let mut client = match create_client(&self.shared.config) {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, thread = self.number, "no kafka client, thread ends");
                return;
            }
        };
        self.shared.account.adopt_thread();
        while !self.shared.is_stopping() {
            self.turn(&client);
            if let Some(stalled) = self.find_stalled(&client) {
                client = self.rebuild(client, &stalled);
            }
            // A lookup that comes in on this core would wait for the thread's time slice to
            // end, which is some milliseconds. Where nobody waits this takes no time; of a
            // core that lookups fill, a newer kernel leaves this thread a small part.
            thread::yield_now();
        }
    }

    /// One turn of the poll loop: what is due from time to time, and a few records.
    fn turn(&mut self, client: &Client) {
        self.upkeep(client);
        let mut patience = POLL_TIMEOUT;
        for _ in 0..RECORDS_A_TURN {
            if !self.poll(client, patience) {
                break;
            }
            patience = Duration::ZERO;
        }
    }

    fn upkeep(&mut self, client: &Client) {
        self.shared.health.turned(self.number);
        heap::flush_if_asked();
        self.heed_the_valve(client);
        if self.is_paused {
            self.ask_for_an_end(client);
        }
        if Instant::now() >= self.retry_at
            && let Some(topic) = self.waiting.pop_front()
        {
            self.begin_or_wait(client, topic);
        }
        self.keep_up(client);
        self.see_to_grants(client);
        self.say_loading();
    }

    /// Takes the next record, or what else the client has to say. Whether it was a record.
    fn poll(&mut self, client: &Client, patience: Duration) -> bool {
        let polled = client.poll(patience);
        match &polled {
            Some(Ok(message)) => self.take(message),
            Some(Err(error)) => self.note(error),
            None => {}
        }
        if let Some(statistics) = client.context().take_statistics() {
            self.apply(&statistics);
        }
        matches!(polled, Some(Ok(_)))
    }

    /// Says how far the tables are that load. The first thread does, for all.
    fn say_loading(&mut self) {
        let now = Instant::now();
        if self.number == 0 && now >= self.say_at {
            self.say_at = now + SAY_LOADING_AFTER;
            loading::say(&self.shared.partition_stats());
        }
    }

    /// Pauses what is assigned, or lets it go on. What the client had queued of a paused
    /// partition it drops, and fetches again from our position.
    fn heed_the_valve(&mut self, client: &Client) {
        let wanted = self.shared.pause_handle.is_paused();
        if wanted == self.is_paused {
            return;
        }
        let assigned = client.assignment();
        let turned =
            assigned.and_then(|all| if wanted { client.pause(&all) } else { client.resume(&all) });
        match turned {
            Ok(()) => {
                self.is_paused = wanted;
                self.reading.iter_mut().for_each(|topic| topic.share.starts_over());
            }
            Err(error) => self.note(&error),
        }
    }

    fn note(&mut self, error: &KafkaError) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.shared.outage.goes_on(&error.to_string());
            }
            // One of several connections, which librdkafka sees to; or a topic that is gone,
            // which is seen when it is looked at.
            Some(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::UnknownTopicOrPartition,
            ) => {}
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => self.is_refused(),
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::LogTruncation) => {
                // It does not say where.
                let now = Instant::now();
                for topic in &mut self.reading {
                    (topic.is_astray, topic.look_at) = (true, now);
                }
            }
            _ if self.fault_said.is_some_and(|said| said.elapsed() < SAY_AGAIN_AFTER) => {}
            _ => {
                self.fault_said = Some(Instant::now());
                tracing::warn!(%error, thread = self.number, "kafka reports a fault, reading on");
            }
        }
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        let now = Timestamp::now();
        let time = message.timestamp().to_millis().map_or(now, Timestamp::from_millis);
        let origin = Origin { partition: message.partition(), offset: message.offset(), time };
        let topic = message.topic();
        if let Some(index) = self.reading.iter().position(|each| each.share.topic == topic) {
            self.reading[index].share.take(&mut self.context, message, origin, now);
            self.is_given(index);
        }
        self.records += 1;
    }

    fn apply(&mut self, statistics: &Statistics) {
        let answered = self.waiting.iter().all(|topic| topic.is_refused);
        if answered && self.reading.iter().any(|each| each.share.has_partitions()) {
            self.note_connections(statistics);
        }
        self.watermarks.told(statistics, Instant::now(), self.is_paused);
        if self.is_paused {
            // What the client remembers of a paused partition is as of the last fetch.
            return;
        }
        self.see_ends(statistics);
        for share in self.reading.iter_mut().map(|topic| &mut topic.share) {
            let Some(topic) = statistics.topics.get(&share.topic) else { continue };
            for partition in topic.partitions.values() {
                let learnt = self.watermarks.learnt(statistics, partition);
                share.ends_at(partition.partition, partition.hi_offset, learnt);
                // The queue is the whole client's, and statistics overtake it.
                let queued = u64::try_from(partition.fetchq_cnt).unwrap_or(0);
                let after_records = self.records + queued;
                let ending = Ending { offset: partition.eof_offset, after_records };
                share.end_seen(partition.partition, ending, self.records);
            }
        }
    }

    fn note_connections(&self, statistics: &Statistics) {
        let mut real = statistics.brokers.values().filter(|broker| broker.nodeid >= 0);
        if real.any(|broker| broker.state == "UP") {
            self.shared.outage.is_over();
        } else {
            self.shared.outage.goes_on("no broker is connected");
        }
    }
}

/// What to assign: each partition with the offset to go on from.
fn assignment(
    topic: &str,
    starts: impl IntoIterator<Item = (i32, i64)>,
) -> KafkaResult<TopicPartitionList> {
    let mut assignment = TopicPartitionList::new();
    for (partition, start) in starts {
        assignment.add_partition_offset(topic, partition, Offset::Offset(start))?;
    }
    Ok(assignment)
}
