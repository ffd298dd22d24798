//! The Kafka client of one thread: its settings, and what may be done to its assignment.
//!
//! The assignment changes by calls that do all or nothing: a partition that cannot be assigned is
//! not half assigned, and a client that lost partitions on the way is marked to be recreated at
//! our own positions. Nothing here waits for a broker. Queries that do wait go to a client of their
//! own (`query_client`).

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client_closer::ClientCloser;
use super::client_threads::try_out_client_threads;
use super::common_settings::common_settings;
use super::context::Context;
use super::credentials::Credentials;
use super::dead_letters;
use super::outage::Outage;
use crate::config::Config;

/// librdkafka's consumer, which one thread polls and others may ask.
pub(super) type Consumer = BaseConsumer<Context>;

/// Creates a consumer from the configuration. It does not wait for a broker, and notes in `outage`
/// why a connection fails.
///
/// # Errors
///
/// When librdkafka refuses a setting: it checks them only here.
pub(super) fn create_consumer(
    config: &Config,
    credentials: &Credentials,
    outage: &Arc<Outage>,
) -> KafkaResult<Consumer> {
    let context = Context::new(config, credentials, outage);
    consumer_settings(config, credentials).create_with_context(context)
}

/// The settings of each consumer.
pub(super) fn consumer_settings(config: &Config, credentials: &Credentials) -> ClientConfig {
    let mut settings =
        common_settings(config, credentials, &[("isolation.level", "read_committed")]);
    settings
        // A consumer needs a group to assign partitions, though nothing is ever committed to it.
        .set("group.id", "millpond")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A position outside the log is reported, and we decide where to go on.
        .set("auto.offset.reset", "error")
        .set("statistics.interval.ms", "1000")
        // So long it waits before the next fetch while its queue is full. A small queue is empty for
        // most of a longer time: at 20 ms a queue of 14 MiB took four times as long to catch up.
        .set("fetch.queue.backoff.ms", "1");
    for (name, value) in Queues::of(config).settings() {
        settings.set(name, value.to_string());
    }
    settings
}

/// How long brokers may take to say who leads the partitions of all topics, before the first is read.
const LEADERS_TIMEOUT: Duration = Duration::from_secs(1);

/// A partition and an offset.
pub(super) type Position = (i32, i64);

/// One thread's client.
pub(super) struct Client {
    consumer: Arc<Consumer>,
    closer: Arc<ClientCloser>,
    is_paused: bool,
    /// Whether its assignment may not be what it should be.
    is_broken: bool,
}

impl Client {
    pub(super) fn new(consumer: Consumer, closer: Arc<ClientCloser>) -> Self {
        Self { consumer: Arc::new(consumer), closer, is_paused: false, is_broken: false }
    }

    /// The next record or error, if one comes within the timeout.
    pub(super) fn poll(&self, timeout: Duration) -> Option<KafkaResult<BorrowedMessage<'_>>> {
        self.consumer.poll(timeout)
    }

    /// Makes the client learn who leads the partitions of these topics, when it is run: it waits for
    /// brokers. A client that does not know that when partitions are assigned finds out at the next
    /// full second. To ask later takes long too: a question waits behind a fetch that finds nothing.
    pub(super) fn leader_lookup(&self, topics: Vec<String>) -> impl FnOnce() + Send + 'static {
        let consumer = Arc::clone(&self.consumer);
        move || {
            let until = Instant::now() + LEADERS_TIMEOUT;
            let learn = |topic: &String| {
                let left = until.saturating_duration_since(Instant::now());
                consumer.fetch_metadata(Some(topic), left)
            };
            // Those that are not learnt now are found later, by the client itself.
            topics.iter().map_while(|topic| learn(topic).ok()).for_each(drop);
        }
    }

    /// The newest statistics, if there are any that were not taken yet.
    pub(super) fn take_statistics(&self) -> Option<Statistics> {
        self.consumer.context().take_statistics()
    }

    /// librdkafka's explanation of the error that the last poll returned.
    pub(super) fn take_reason(&self) -> Option<String> {
        self.consumer.context().take_reason()
    }

    /// The consumer, to wake it by.
    pub(super) fn consumer(&self) -> &Arc<Consumer> {
        &self.consumer
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Pauses or resumes every partition. The client drops the records that it had queued of a
    /// paused partition, and fetches them again from our position.
    pub(super) fn set_paused(&mut self, is_paused: bool) -> KafkaResult<()> {
        let assigned = self.consumer.assignment()?;
        let turn = |paused| {
            if paused { self.consumer.pause(&assigned) } else { self.consumer.resume(&assigned) }
        };
        if let Err(error) = turn(is_paused) {
            // Some may have been paused or resumed.
            self.is_broken |= turn(!is_paused).is_err();
            return Err(error);
        }
        self.is_paused = is_paused;
        Ok(())
    }

    /// Assigns partitions beside the others; paused if the others are.
    pub(super) fn assign(&mut self, topic: &str, positions: &[Position]) -> KafkaResult<()> {
        if positions.is_empty() {
            return Ok(());
        }
        let list = list(topic, positions)?;
        self.consumer.incremental_assign(&list)?;
        // The client lets partitions that are assigned flow.
        if self.is_paused
            && let Err(error) = self.consumer.pause(&list)
        {
            self.is_broken |= self.consumer.incremental_unassign(&list).is_err();
            return Err(error);
        }
        Ok(())
    }

    /// Removes partitions from the assignment.
    pub(super) fn unassign(&mut self, topic: &str, positions: &[Position]) -> KafkaResult<()> {
        if positions.is_empty() {
            return Ok(());
        }
        // The client checks that all of them are assigned before it changes anything.
        self.consumer.incremental_unassign(&list(topic, positions)?)
    }

    /// Unassigns partitions and assigns them again, so that the client drops everything that it
    /// has queued and knows of them, and goes on from these positions.
    pub(super) fn reassign(&mut self, topic: &str, positions: &[Position]) -> KafkaResult<()> {
        self.unassign(topic, positions)?;
        let assigned = self.assign(topic, positions);
        // They are in no assignment now. A client at our positions has them again.
        self.is_broken |= assigned.is_err();
        assigned
    }

    /// Whether only a new client has the assignment that it should have.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Replaces the client by a new one that goes on from these positions, not paused. If there
    /// can be no new one the old one stays. That is so while an earlier one is being closed: then the
    /// error is of the kind `WouldBlock`.
    pub(super) fn recreate(
        &mut self,
        config: &Config,
        credentials: &Credentials,
        positions: &[(String, Vec<Position>)],
    ) -> io::Result<()> {
        let closer = Arc::clone(&self.closer);
        let closing = closer.reserve().ok_or_else(|| {
            let why = "a client that was replaced before is not closed yet";
            io::Error::new(io::ErrorKind::WouldBlock, why)
        })?;
        try_out_client_threads(config)?;
        let outage = self.consumer.context().outage();
        let create = || create_at(config, credentials, outage, positions);
        // By a thread that has adopted no account: the memory is the client's.
        let created = thread::scope(|scope| {
            let thread = thread::Builder::new().name("new-client".into());
            let created = thread.spawn_scoped(scope, create)?.join();
            created.unwrap_or(Err(KafkaError::Canceled)).map_err(io::Error::other)
        })?;
        let new = Self::new(created, Arc::clone(&closer));
        closing.close(std::mem::replace(self, new).consumer);
        Ok(())
    }
}

fn create_at(
    config: &Config,
    credentials: &Credentials,
    outage: &Arc<Outage>,
    positions: &[(String, Vec<Position>)],
) -> KafkaResult<Consumer> {
    let consumer = create_consumer(config, credentials, outage)?;
    for (topic, positions) in positions.iter().filter(|(_, positions)| !positions.is_empty()) {
        consumer.incremental_assign(&list(topic, positions)?)?;
    }
    Ok(consumer)
}

fn list(topic: &str, positions: &[Position]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for &(partition, offset) in positions {
        list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
    }
    Ok(list)
}

/// Closes a consumer that was replaced on a thread of its own, because closing may stall too.
pub(super) fn close_beside(consumer: Arc<Consumer>) {
    let closing = thread::Builder::new().name("close-client".into());
    if let Err(error) = closing.spawn(move || drop(consumer)) {
        tracing::warn!(%error, "a stalled client was closed by the thread that reads");
    }
}

/// What librdkafka may hold at worst over all threads, in bytes: full queues, an unpacked fetch in
/// flight for each client and broker, the client that only asks, and the queue of dead letters.
pub fn queue_bytes_at_worst(config: &Config) -> u64 {
    let queues = Queues::of(config);
    let in_flight = queues.fetch_bytes * UNPACKED_FACTOR * queues.brokers;
    (queues.queued_bytes + in_flight) * fetching_clients(config)
        + QUERY_CLIENT_BYTES
        + dead_letters::bytes_at_worst(config)
}

/// One for each thread, and one that was replaced and is not closed yet.
fn fetching_clients(config: &Config) -> u64 {
    config.ingest.threads.get() as u64 + 1
}

/// The version of librdkafka in this program.
pub fn librdkafka_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}

/// One client's share of `kafka.fetch_buffer`.
#[derive(Debug, Clone, Copy)]
struct Queues {
    /// As many as are listed; Kafka may have more.
    brokers: u64,
    queued_bytes: u64,
    fetch_bytes: u64,
}

/// A fetch is counted as it comes, and its batches are unpacked all at once. Four times
/// is what JSON mostly packs to.
const UNPACKED_FACTOR: u64 = 4;
/// librdkafka raises a smaller limit to the size of the largest message by itself.
const MIN_FETCH_BYTES: u64 = 1_000_000;
/// Beyond this a fetch only takes memory.
const MAX_FETCH_BYTES: u64 = 50 << 20;
/// Below this the queue is empty for most of the time.
const MIN_QUEUED_BYTES: u64 = 256 << 10;
/// What the client that only asks takes: the names and leaders of partitions, and its connections.
const QUERY_CLIENT_BYTES: u64 = 1 << 20;
/// librdkafka spends about this much on a record beside its bytes, uncounted.
const BYTES_A_RECORD: u64 = 1024;

impl Queues {
    /// Half of the share is for the fetches in flight, unpacked, and the rest is queued.
    fn of(config: &Config) -> Self {
        let for_all = config.kafka.fetch_buffer.get().as_u64() - QUERY_CLIENT_BYTES;
        let share_bytes = for_all / fetching_clients(config);
        let brokers = config.kafka.brokers.split(',').count() as u64;
        let fetch_bytes = share_bytes / 2 / UNPACKED_FACTOR / brokers;
        let fetch_bytes = fetch_bytes.clamp(MIN_FETCH_BYTES, MAX_FETCH_BYTES);
        let in_flight_bytes = fetch_bytes * UNPACKED_FACTOR * brokers;
        let queued_bytes = share_bytes.saturating_sub(in_flight_bytes).max(MIN_QUEUED_BYTES);
        Self { brokers, queued_bytes, fetch_bytes }
    }

    fn settings(self) -> [(&'static str, u64); 4] {
        [
            ("queued.max.messages.kbytes", self.queued_bytes / 1024),
            ("queued.min.messages", (self.queued_bytes / BYTES_A_RECORD).clamp(100, 100_000)),
            ("fetch.max.bytes", self.fetch_bytes),
            ("fetch.message.max.bytes", self.fetch_bytes.min(1 << 20)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(queue: &str, threads: usize, brokers: &str) -> Config {
        let settings = [
            format!("kafka.brokers={brokers}"),
            format!("kafka.fetch_buffer={queue}"),
            format!("ingest.threads={threads}"),
            "tables.0.name=services".into(),
            "tables.0.topic=events".into(),
            "tables.0.key=/id".into(),
            "tables.0.fields.description=/description".into(),
            "tables.0.ttl=1h".into(),
        ];
        Config::load(None, [], &settings).unwrap()
    }

    #[test]
    fn the_queues_of_all_threads_stay_within_the_budget() {
        for (queue, threads, brokers) in [
            ("64MiB", 1, "a:1"),
            ("64MiB", 4, "a:1"),
            ("16MiB", 2, "a:1"),
            ("64MiB", 2, "a:1,b:2,c:3"),
        ] {
            let config = config(queue, threads, brokers);
            assert!(
                queue_bytes_at_worst(&config) <= config.kafka.fetch_buffer.get().as_u64(),
                "{queue}"
            );
        }
    }

    #[test]
    fn a_budget_that_is_too_small_for_its_threads_is_stated_as_it_is() {
        assert!(queue_bytes_at_worst(&config("4MiB", 8, "a:1")) > 32 << 20);
    }

    /// A client that never reaches a broker, which an assignment does not need.
    fn client() -> Client {
        let outage = Arc::new(Outage::new("localhost:1"));
        let closer = Arc::new(ClientCloser::start().unwrap());
        let config = config("64MiB", 1, "localhost:1");
        let consumer = create_consumer(&config, &Credentials::default(), &outage).unwrap();
        Client::new(consumer, closer)
    }

    fn assigned(client: &Client) -> Vec<Position> {
        let list = client.consumer.assignment().unwrap();
        let elements = list.elements();
        let mut all: Vec<_> = elements
            .iter()
            .map(|each| (each.partition(), each.offset().to_raw().unwrap()))
            .collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_call_that_fails_leaves_the_assignment_as_it_was() {
        let mut client = client();
        client.assign("events", &[(0, 5), (1, 7)]).unwrap();
        assert!(client.assign("events", &[(2, 0), (1, 7)]).is_err(), "one is assigned already");
        assert!(client.unassign("events", &[(0, 5), (2, 0)]).is_err(), "one is not assigned");
        assert!(client.reassign("events", &[(0, 5), (2, 0)]).is_err());
        assert_eq!(assigned(&client), [(0, 5), (1, 7)]);
        assert!(!client.is_broken());
    }

    #[test]
    fn a_recreated_client_goes_on_from_the_positions_and_is_not_paused() {
        let mut client = client();
        client.assign("events", &[(0, 5)]).unwrap();
        client.set_paused(true).unwrap();
        client.is_broken = true;
        let positions = [("events".to_owned(), vec![(0, 9), (3, 0)])];
        let config = config("64MiB", 1, "localhost:1");
        client.recreate(&config, &Credentials::default(), &positions).unwrap();
        assert_eq!(assigned(&client), [(0, 9), (3, 0)]);
        assert!(!client.is_paused() && !client.is_broken());
    }

    #[test]
    fn many_small_records_do_not_take_memory_that_nobody_counts() {
        let queues = Queues::of(&config("16MiB", 2, "a:1"));
        let [_, (_, records), ..] = queues.settings();
        assert!(records * BYTES_A_RECORD <= queues.queued_bytes, "{records} records");
    }
}
