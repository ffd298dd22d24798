//! One ingest thread: a consumer, its share of every topic, and the poll loop.

mod paused;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Shared;
use super::bootstrap::{self, Backlog, From};
use super::consumer::{Client, create_client};
use super::feed::Feed;
use super::share::{Ending, Share};
use super::watermarks::Watermarks;
use super::workspace::Workspace;
use crate::config::Start;
use crate::heap;
use crate::record::{Origin, Timestamp};

/// How long a turn may wait for a record.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// How long to wait before a topic is asked for again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often a fault of the stream is spoken of.
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(60);

pub(super) struct Worker {
    number: usize,
    shared: Arc<Shared>,
    /// Topics that wait for the broker to say where to start.
    waiting: VecDeque<Topic>,
    retry_at: Instant,
    /// Topics that are being read.
    shares: Vec<Share>,
    workspace: Workspace,
    /// Records handled in all.
    records: u64,
    fault_said: Option<Instant>,
    is_paused: bool,
    watermarks: Watermarks,
    /// How many ends were asked for while paused.
    ends_asked: usize,
}

struct Topic {
    number: usize,
    ttl: Duration,
    share: Share,
}

impl Worker {
    pub(super) fn new(number: usize, shared: Arc<Shared>, feeds: &[Feed]) -> Self {
        Self {
            number,
            waiting: topics(feeds, &shared),
            retry_at: Instant::now(),
            shares: Vec::new(),
            workspace: Workspace::new(&shared.giants),
            records: 0,
            fault_said: None,
            is_paused: false,
            watermarks: Watermarks::new(Instant::now()),
            ends_asked: 0,
            shared,
        }
    }

    pub(super) fn run(mut self) {
        // Before the thread adopts its account: the client is the client's memory.
        let client = match create_client(&self.shared.config) {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, thread = self.number, "no kafka client, thread ends");
                return;
            }
        };
        self.shared.account.adopt_thread();
        while !self.shared.is_stopping() {
            self.turn(&client);
        }
    }

    /// One turn of the poll loop.
    fn turn(&mut self, client: &Client) {
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
        match client.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => self.take(&message),
            Some(Err(error)) => self.note(&error),
            None => {}
        }
        if let Some(statistics) = client.context().take_statistics() {
            self.apply(&statistics);
        }
    }

    /// Pauses what is assigned, or lets it go on. What the client had queued of a paused
    /// partition it drops, and fetches again from our position.
    fn heed_the_valve(&mut self, client: &Client) {
        let wanted = self.shared.valve.is_paused();
        if wanted == self.is_paused {
            return;
        }
        let assigned = client.assignment();
        let turned =
            assigned.and_then(|all| if wanted { client.pause(&all) } else { client.resume(&all) });
        match turned {
            Ok(()) => self.is_paused = wanted,
            Err(error) => self.note(&error),
        }
    }

    fn note(&mut self, error: &KafkaError) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.shared.outage.goes_on(&error.to_string());
            }
            // One of several connections; librdkafka sees to it.
            Some(RDKafkaErrorCode::BrokerTransportFailure) => {}
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
        if let Some(share) = self.shares.iter_mut().find(|share| share.topic == topic) {
            share.take(&mut self.workspace, message, origin, now);
        }
        self.records += 1;
    }

    /// Begins a topic; one that cannot be begun waits behind the others. One a turn,
    /// so that the loop turns however many there are and however slow the broker is.
    fn begin_or_wait(&mut self, client: &Client, mut topic: Topic) {
        match self.begin(client, &mut topic) {
            Ok(()) => {
                self.shares.push(topic.share);
                // What was just assigned flows, whatever the valve says.
                self.is_paused = false;
            }
            Err(error) => {
                self.shared.outage.goes_on(&format!("topic {}: {error}", topic.share.topic));
                self.waiting.push_back(topic);
                self.retry_at = Instant::now() + RETRY_AFTER / self.waiting_count();
            }
        }
    }

    fn waiting_count(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX).max(1)
    }

    fn begin(&self, client: &Client, topic: &mut Topic) -> KafkaResult<()> {
        let name = topic.share.topic.clone();
        let threads = self.shared.config.ingest.threads;
        let until = Instant::now() + bootstrap::TIMEOUT;
        let mut partitions = bootstrap::partitions_of(client, &name, until)?;
        partitions.retain(|&id| bootstrap::thread_of(topic.number, id, threads) == self.number);
        let from = self.start_of(topic);
        let asked = Instant::now();
        let backlogs = bootstrap::backlogs(client, &name, &partitions, from, until)?;
        if !backlogs.is_empty() {
            client.incremental_assign(&assignment(&name, &backlogs)?)?;
        }
        self.shared.publish(topic.share.begin(&backlogs, asked));
        tracing::info!(
            topic = name,
            thread = self.number,
            partitions = backlogs.len(),
            backlog_records = backlogs.iter().map(|b| (b.end - b.start).max(0)).sum::<i64>(),
            "reading"
        );
        Ok(())
    }

    fn start_of(&self, topic: &Topic) -> From {
        match self.shared.config.ingest.start {
            Start::Alive => From::Time(Timestamp::now().minus(topic.ttl)),
            Start::Earliest => From::Earliest,
        }
    }

    fn apply(&mut self, statistics: &Statistics) {
        if self.waiting.is_empty() && self.shares.iter().any(Share::has_partitions) {
            self.note_connections(statistics);
        }
        self.watermarks.told(statistics, Instant::now(), self.is_paused);
        for share in &mut self.shares {
            let Some(topic) = statistics.topics.get(&share.topic) else { continue };
            for partition in topic.partitions.values() {
                let learnt = self.watermarks.learnt(statistics, partition);
                // What the client remembers of a paused partition is as of the last fetch.
                if !self.is_paused {
                    share.ends_at(partition.partition, partition.hi_offset, learnt);
                }
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

/// The topics in the order of the configuration, each with all tables that it feeds.
fn topics(feeds: &[Feed], shared: &Shared) -> VecDeque<Topic> {
    let mut names: Vec<&str> = Vec::new();
    for feed in feeds {
        if !names.contains(&feed.source.topic.as_str()) {
            names.push(&feed.source.topic);
        }
    }
    let mut latches = shared.health.latches();
    let mut topic = |(number, name): (usize, &str)| {
        let feeds: Vec<_> = feeds.iter().filter(|feed| feed.source.topic == name).collect();
        let own = |latch: &mut crate::health::Latch| {
            feeds.iter().any(|feed| feed.table.name() == latch.table())
        };
        let latches = latches.extract_if(.., own).collect();
        Topic {
            number,
            ttl: feeds.iter().map(|feed| feed.source.ttl).max().unwrap_or_default(),
            share: Share::new(name, &feeds, &shared.config.ingest, latches),
        }
    };
    names.into_iter().enumerate().map(&mut topic).collect()
}

fn assignment(topic: &str, backlogs: &[Backlog]) -> KafkaResult<TopicPartitionList> {
    let mut assignment = TopicPartitionList::with_capacity(backlogs.len());
    for backlog in backlogs {
        assignment.add_partition_offset(topic, backlog.partition, Offset::Offset(backlog.start))?;
    }
    Ok(assignment)
}
