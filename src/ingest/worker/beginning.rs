//! How a thread takes on its share of a topic: which partitions, and from where.

use std::collections::VecDeque;
use std::time::Instant;

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::grants::Grant;
use super::{RETRY_AFTER, Topic, Worker, assignment};
use crate::config::Start;
use crate::ingest::Shared;
use crate::ingest::bootstrap::{self, Backlog, From};
use crate::ingest::consumer::Client;
use crate::ingest::share::TopicAssignment;
use crate::ingest::table_source::TableSource;
use crate::ingest::topics;
use crate::record::Timestamp;
use crate::stats::TopicState;

impl Worker {
    /// Begins a topic; one that cannot be begun waits behind the others. One a turn,
    /// so that the loop turns however many there are and however slow the broker is.
    pub(super) fn begin_or_wait(&mut self, client: &Client, mut topic: Topic) {
        match self.begin(client, &mut topic) {
            Ok(()) => {
                self.shared.topics.found(&topic.share.topic, TopicState::Reading);
                topic.look_at = Instant::now() + self.shared.config.ingest.metadata_refresh;
                self.reading.push(topic);
            }
            Err(error) => {
                let name = &topic.share.topic;
                let refused = topics::state_in(&error);
                topic.is_refused = refused.is_some();
                match refused {
                    Some(state) => self.shared.topics.found(name, state),
                    None => self.shared.outage.goes_on(&format!("topic {name}: {error}")),
                }
                self.waiting.push_back(topic);
                self.retry_at = Instant::now() + RETRY_AFTER / self.waiting_count();
            }
        }
    }

    fn waiting_count(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX).max(1)
    }

    fn begin(&mut self, client: &Client, topic: &mut Topic) -> KafkaResult<()> {
        let until = Instant::now() + bootstrap::TIMEOUT;
        let partitions = self.own_partitions(client, topic, until)?;
        let from = self.start_of(topic);
        let backlogs = self.begin_partitions(client, topic, &partitions, from, until)?;
        tracing::info!(
            topic = topic.share.topic,
            thread = self.number,
            partitions = backlogs.len(),
            backlog_records = backlogs.iter().map(|b| (b.end - b.start).max(0)).sum::<i64>(),
            "reading"
        );
        Ok(())
    }

    /// The partitions of a topic that are this thread's.
    pub(super) fn own_partitions(
        &self,
        client: &Client,
        topic: &Topic,
        until: Instant,
    ) -> KafkaResult<Vec<i32>> {
        let threads = self.shared.config.ingest.threads;
        let mut partitions = bootstrap::partitions_of(client, &topic.share.topic, until)?;
        partitions.retain(|&id| bootstrap::thread_of(topic.number, id, threads) == self.number);
        Ok(partitions)
    }

    pub(super) fn begin_partitions(
        &mut self,
        client: &Client,
        topic: &mut Topic,
        partitions: &[i32],
        from: From,
        until: Instant,
    ) -> KafkaResult<Vec<Backlog>> {
        let (name, asked) = (&topic.share.topic, Instant::now());
        let backlogs = bootstrap::backlogs(client, name, partitions, from, until)?;
        if !backlogs.is_empty() {
            let starts = backlogs.iter().map(|backlog| (backlog.partition, backlog.start));
            self.assign(client, &assignment(name, starts)?)?;
        }
        self.shared.publish(topic.share.begin(&backlogs, asked));
        Ok(backlogs)
    }

    /// Assigns partitions beside those that are, paused if those are: the client lets them flow.
    pub(super) fn assign(&self, client: &Client, places: &TopicPartitionList) -> KafkaResult<()> {
        client.incremental_assign(places)?;
        if self.is_paused { client.pause(places) } else { Ok(()) }
    }

    fn start_of(&self, topic: &Topic) -> From {
        match self.shared.config.ingest.start {
            Start::Alive if topic.lives_from_record => {
                From::Time(Timestamp::now().minus(topic.ttl))
            }
            Start::Alive | Start::Earliest => From::Earliest,
        }
    }
}

/// The topics in the order of the configuration, each with all tables that it sources.
pub(super) fn topics(sources: &[TableSource], shared: &Shared) -> VecDeque<Topic> {
    let mut names: Vec<&str> = Vec::new();
    for source in sources {
        if !names.contains(&source.source.topic.as_str()) {
            names.push(&source.source.topic);
        }
    }
    let mut latches = shared.health.latches();
    let mut topic = |(number, name): (usize, &str)| {
        let sources: Vec<_> = sources.iter().filter(|source| source.source.topic == name).collect();
        let own = |latch: &mut crate::health::Latch| {
            sources.iter().any(|source| source.table.name() == latch.table())
        };
        let latches = latches.extract_if(.., own).collect();
        Topic {
            number,
            lives_from_record: sources.iter().all(|source| source.lives_from_record()),
            ttl: sources.iter().map(|source| source.source.ttl).max().unwrap_or_default(),
            share: TopicAssignment::new(name, &sources, &shared.config, latches, &shared.rejected),
            is_refused: false,
            look_at: Instant::now(),
            missing_looks: 0,
            is_astray: false,
            grant: Grant::default(),
        }
    };
    names.into_iter().enumerate().map(&mut topic).collect()
}
