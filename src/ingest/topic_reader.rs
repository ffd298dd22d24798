//! One thread's reading of one topic: asks brokers for what is needed, and applies their answers.
//!
//! A look asks which partitions the topic has. A partition that is not read yet needs its offsets
//! before it is assigned to the client, and a position that may be outside its log needs them to be
//! checked. The thread asks each leader about the partitions of all topics at once, so that a
//! leader that does not answer holds up only the partitions that it leads. Nothing here waits.
//! Answers come back through `apply_answer`, and may come late: an answer that nobody waits for
//! any more is dropped.

mod access;
mod ranges;
mod reload;

use std::sync::Arc;
use std::time::Instant;

use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;

use super::assignment::TopicAssignment;
use super::batch::PolledRecord;
use super::broker_queries::{Answer, BrokerQueries, Query, Reply};
use super::client::{Client, Position};
use super::leaders::{Leader, Leaders};
use super::list_offsets::{FoundTopic, Wanted};
use super::offsets::{OffsetCheck, StartPolicy, thread_of};
use super::pending_offsets::{PendingOffsets, Purpose};
use super::read_access::ReadAccess;
use super::shared::Shared;
use super::stall_watch::StallWatch;
use super::statistics::Watermarks;
use super::topic::{Topic, TopicState};
use super::topic_statuses::status_in;
use crate::clock::Clock;
use crate::pluck::Scratch;
use crate::record::Timestamp;
use crate::stats::TopicStatus;

/// How many topics a thread asks for their partitions at once.
const MAX_LOOKS: usize = 16;

pub(super) struct TopicReader {
    name: Arc<str>,
    /// The topic's place in the configuration, and the thread's number.
    number: usize,
    thread: usize,
    start: StartPolicy,
    clock: Clock,
    topic: Topic,
    access: ReadAccess,
    assignment: TopicAssignment,
    leaders: Leaders,
    is_looking: bool,
    pending: PendingOffsets,
    stalls: StallWatch,
    /// When it may be read again next.
    reload_at: Instant,
}

impl TopicReader {
    pub(super) fn new(
        number: usize,
        thread: usize,
        start: StartPolicy,
        assignment: TopicAssignment,
        shared: &Shared,
    ) -> Self {
        Self {
            name: assignment.topic().into(),
            number,
            thread,
            start,
            clock: shared.clock.clone(),
            topic: Topic::new(Instant::now(), shared.config.ingest.metadata_refresh),
            access: ReadAccess::Granted,
            assignment,
            leaders: Leaders::default(),
            is_looking: false,
            pending: PendingOffsets::default(),
            stalls: StallWatch::default(),
            reload_at: Instant::now(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn positions(&self) -> Vec<Position> {
        self.assignment.positions()
    }

    pub(super) fn has_partitions(&self) -> bool {
        self.assignment.has_partitions()
    }

    /// Whether some partition cannot be started because no broker answers.
    pub(super) fn is_waiting(&self) -> bool {
        self.topic.state() == TopicState::Waiting || self.pending.has_starts()
    }

    /// Gives records of one partition of this topic to its tables.
    pub(super) fn apply(
        &mut self,
        scratches: &mut [Scratch],
        records: &[PolledRecord<'_>],
        now: Timestamp,
        shared: &Shared,
    ) {
        self.assignment.apply(scratches, records, now);
        if !self.access.is_granted() {
            self.grant_access(shared);
        }
    }

    /// Asks which partitions the topic has, if that is due.
    pub(super) fn ask_for_partitions(&mut self, queries: &mut BrokerQueries, now: Instant) {
        if self.assignment.take_requested_looks() {
            self.topic.look_now(now);
        }
        let may_look = !self.is_looking && queries.partition_query_count() < MAX_LOOKS;
        if may_look && self.topic.is_due(now) {
            self.is_looking = true;
            let (topic, topic_number) = (Arc::clone(&self.name), self.number);
            queries.send(Query::Partitions { topic, topic_number });
        }
    }

    /// The partitions whose ends are needed to find those that have stalled, each with its leader.
    pub(super) fn take_wanted_ends(&mut self, is_paused: bool) -> Vec<(i32, Wanted)> {
        let partitions = self.stalls.look(&mut self.assignment, is_paused).into_iter();
        let end = |partition| (self.leaders.leader_of(partition), self.wanted(partition));
        partitions.map(end).collect()
    }

    fn wanted(&self, partition: i32) -> Wanted {
        Wanted { topic: Arc::clone(&self.name), topic_number: self.number, partition }
    }

    /// Applies an answer about this topic. Returns the partitions that have stalled.
    pub(super) fn apply_answer(
        &mut self,
        answer: Answer,
        client: &mut Client,
        shared: &Shared,
    ) -> Vec<i32> {
        let asked = answer.asked;
        match answer.reply {
            Reply::Partitions(found) => self.apply_partitions(found, client, shared),
            Reply::Ranges(found) => self.apply_ranges(found, asked, client, shared),
            Reply::Ends(found) => {
                let timeout = shared.config.ingest.stall_timeout;
                let stalled = self.stalls.apply(
                    &mut self.assignment,
                    &found,
                    asked,
                    client.is_paused(),
                    timeout,
                );
                // Another client would not be given the records either.
                return if self.access.is_granted() { stalled } else { Vec::new() };
            }
        }
        Vec::new()
    }

    fn apply_partitions(
        &mut self,
        found: KafkaResult<FoundTopic>,
        client: &mut Client,
        shared: &Shared,
    ) {
        self.is_looking = false;
        let found = found.and_then(|found| self.observe_partitions(found, client, shared));
        if let Err(error) = found {
            self.observe_failure(&error, shared);
        }
    }

    fn observe_partitions(
        &mut self,
        found: FoundTopic,
        client: &mut Client,
        shared: &Shared,
    ) -> KafkaResult<()> {
        let now = Instant::now();
        let threads = shared.config.ingest.threads.get();
        let is_own =
            |leader: &Leader| thread_of(self.number, leader.partition, threads) == self.thread;
        self.leaders = Leaders::new(found.leaders.into_iter().filter(is_own));
        let own = self.leaders.partitions();
        let is_first = !self.topic.is_reading();
        let is_starting = is_first || self.pending.has_starts();
        if self.topic.observe_id(found.id) {
            // What is asked now is answered about the topic before.
            self.forget_questions(&[]);
        }
        if let Some(check) = self.topic.needed_check() {
            self.leave_removed(client, &own)?;
            self.require_checks(check, now);
        }
        self.forget_questions(&own);
        self.require_starts(&own, is_starting, now);
        self.topic.observe_found(now);
        if self.assignment.positions().iter().any(|(partition, _)| !own.contains(partition)) {
            // A broker's metadata may be old. If the next look misses them too, they are left.
            self.topic.observe_missing_partitions(now);
        }
        if own.is_empty() && is_first {
            self.log_start(&[]);
            self.topic.start_reading();
        }
        self.observe_reading(shared);
        Ok(())
    }

    /// Asks for the offsets of the partitions that are not read yet.
    fn require_starts(&mut self, own: &[i32], is_starting: bool, now: Instant) {
        let purpose = if is_starting { Purpose::Start } else { Purpose::NewPartition };
        for &partition in own {
            if self.assignment.assigned(partition).is_none() {
                self.pending.require(partition, purpose, now);
                self.assignment.expect_partition(partition);
            }
        }
    }

    /// Forgets what is asked about partitions that the topic does not have.
    fn forget_questions(&mut self, existing: &[i32]) {
        for partition in self.pending.retain(existing) {
            if self.assignment.assigned(partition).is_none() {
                self.assignment.forget_expected(partition);
            }
        }
    }

    /// Leaves partitions that the topic does not have any more.
    fn leave_removed(&mut self, client: &mut Client, existing: &[i32]) -> KafkaResult<()> {
        let mut removed = self.assignment.positions();
        removed.retain(|(partition, _)| !existing.contains(partition));
        client.unassign(self.assignment.topic(), &removed)?;
        for (partition, _) in removed {
            self.assignment.mark_removed(partition);
        }
        Ok(())
    }

    fn require_checks(&mut self, check: OffsetCheck, now: Instant) {
        for (partition, _) in self.assignment.positions() {
            self.pending.require(partition, Purpose::Check(check), now);
        }
    }

    /// Reports a topic that is read as such, and completes its start once every partition is
    /// started.
    fn observe_reading(&mut self, shared: &Shared) {
        if self.topic.is_reading() {
            shared.statuses.report(self.assignment.topic(), TopicStatus::Reading);
            if !self.pending.has_starts() {
                self.assignment.finish_start();
            }
        }
    }

    /// Notes that the topic could not be had.
    fn observe_failure(&mut self, error: &KafkaError, shared: &Shared) {
        let (name, status) = (self.assignment.topic(), status_in(error));
        if let Some(status) = status {
            shared.statuses.report(name, status);
        } else if !self.topic.is_reading() {
            shared.outage.observe(self.thread, &format!("topic {name}: {error}"));
        }
        tracing::debug!(topic = name, %error, "kafka does not give the topic");
        self.topic.observe_failure(status, Instant::now());
    }

    /// Notes what the client's statistics say, when the thread has handled so many records.
    pub(super) fn observe_statistics(
        &mut self,
        statistics: &Statistics,
        watermarks: &Watermarks,
        records: u64,
        shared: &Shared,
    ) {
        let found = statistics.topics.get(self.assignment.topic());
        let has_end =
            found.is_some_and(|found| found.partitions.values().any(|each| each.eof_offset >= 0));
        if has_end && self.access.is_proven_by_end(Instant::now()) {
            self.grant_access(shared);
        }
        self.assignment.observe_statistics(statistics, watermarks, records);
    }

    /// Notes that the client reported a position outside its log, of this topic or another.
    pub(super) fn require_offset_check(&mut self, now: Instant) {
        self.topic.require_offset_check(now);
    }

    /// Notes that the client fetches every partition again from our position: it was paused,
    /// resumed or recreated.
    pub(super) fn restart(&mut self) {
        self.assignment.restart();
        self.assignment.all_assigned().for_each(|(_, partition)| partition.forget_stall());
    }

    /// Counts and logs that the client was recreated because these partitions had stalled.
    pub(super) fn observe_stall(&mut self, partitions: &[i32]) {
        for &id in partitions {
            if let Some(partition) = self.assignment.assigned(id) {
                partition.books().iter().for_each(|books| books.count_client_recreated());
            }
            let topic = self.assignment.topic();
            tracing::warn!(
                topic,
                partition = id,
                "reading had stalled, going on with a new client"
            );
        }
    }
}

#[cfg(test)]
mod tests;
