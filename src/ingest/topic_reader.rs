//! One thread's reading of one topic: asks brokers for what is needed, and applies their answers.
//!
//! A look asks which partitions the topic has. A partition that is not read yet needs its offsets
//! before it is assigned to the client, and a position that may be outside its log needs them to be
//! checked. Queries go to each leader apart, so that one that does not answer holds up only the
//! partitions that it leads. Nothing here waits. Answers come back through `apply_answer`, and may
//! come late: an answer that nobody waits for any more is dropped.

mod access;

use std::collections::BTreeMap;
use std::time::Instant;

use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::statistics::Statistics;

use super::assignment::TopicAssignment;
use super::broker_queries::{Answer, BrokerQueries, Query, Reply};
use super::client::{Client, Position};
use super::leaders::{Leader, Leaders};
use super::offsets::{OffsetCheck, OffsetRange, OffsetReset, StartAt, StartPolicy, thread_of};
use super::pending_offsets::{PendingOffsets, Purpose, Question};
use super::pluck_context::PluckContext;
use super::read_access::ReadAccess;
use super::shared::Shared;
use super::stall_watch::{Ends, StallWatch};
use super::statistics::Watermarks;
use super::topic::{RETRY_AFTER, Topic, TopicState};
use super::topic_statuses::status_in;
use crate::clock::Clock;
use crate::record::{Origin, Timestamp};
use crate::stats::TopicStatus;

/// How many topics a thread asks for their partitions at once. That bounds the threads of queries
/// when a service of many topics starts.
const MAX_LOOKS: usize = 16;

pub(super) struct TopicReader {
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
        }
    }

    pub(super) fn name(&self) -> &str {
        self.assignment.topic()
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

    /// Gives a record of this topic to its tables.
    pub(super) fn apply(
        &mut self,
        context: &mut PluckContext,
        message: &BorrowedMessage<'_>,
        origin: Origin,
        now: Timestamp,
        shared: &Shared,
    ) {
        self.assignment.apply(context, message, origin, now);
        if !self.access.is_granted() {
            self.grant_access(shared);
        }
    }

    /// Sends the queries that are due.
    pub(super) fn ask(&mut self, client: &Client, queries: &mut BrokerQueries, now: Instant) {
        let may_look = !self.is_looking && queries.partition_query_count() < MAX_LOOKS;
        if may_look && self.topic.is_due(now) {
            self.is_looking = true;
            queries.send(client, self.number, self.assignment.topic(), Query::Partitions);
        }
        if !self.pending.is_empty() {
            self.ask_for_ranges(client, queries, now);
        }
    }

    fn ask_for_ranges(&mut self, client: &Client, queries: &mut BrokerQueries, now: Instant) {
        let position_of = |partition| self.assignment.position(partition).unwrap_or(0);
        let mut groups = BTreeMap::<(i32, bool), Vec<i32>>::new();
        for Question { partition, purpose, .. } in self.pending.take_due(now, position_of) {
            let group = (self.leaders.leader_of(partition), purpose == Purpose::Start);
            groups.entry(group).or_default().push(partition);
        }
        for ((_, is_start), partitions) in groups {
            let start =
                if is_start { self.start.start_at(self.clock.now()) } else { StartAt::Earliest };
            let query = Query::Ranges { partitions, start };
            queries.send(client, self.number, self.assignment.topic(), query);
        }
    }

    /// Asks where partitions end, to find those that have stalled.
    pub(super) fn ask_for_ends(&mut self, client: &Client, queries: &mut BrokerQueries) {
        for partitions in self.stalls.look(&mut self.assignment, &self.leaders, client.is_paused())
        {
            let query = Query::Ends { partitions };
            queries.send(client, self.number, self.assignment.topic(), query);
        }
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
            Reply::Ranges { partitions, found } => {
                self.apply_ranges(&partitions, found, asked, client, shared);
            }
            Reply::Ends { partitions, found } => {
                let ends = Ends { partitions, found: found.unwrap_or_default(), asked };
                let timeout = shared.config.ingest.stall_timeout;
                let stalled =
                    self.stalls.apply(&mut self.assignment, &ends, client.is_paused(), timeout);
                // Another client would not be given the records either.
                return if self.access.is_granted() { stalled } else { Vec::new() };
            }
        }
        Vec::new()
    }

    fn apply_partitions(
        &mut self,
        found: KafkaResult<Vec<Leader>>,
        client: &mut Client,
        shared: &Shared,
    ) {
        self.is_looking = false;
        let found = found.and_then(|leaders| self.observe_partitions(&leaders, client, shared));
        if let Err(error) = found {
            self.observe_failure(&error, shared);
        }
    }

    fn observe_partitions(
        &mut self,
        leaders: &[Leader],
        client: &mut Client,
        shared: &Shared,
    ) -> KafkaResult<()> {
        let now = Instant::now();
        let threads = shared.config.ingest.threads;
        let is_own =
            |leader: &&Leader| thread_of(self.number, leader.partition, threads) == self.thread;
        self.leaders = Leaders::new(leaders.iter().filter(is_own).copied());
        let own = self.leaders.partitions();
        // One answer that lacks a partition proves nothing, since a broker's metadata may be old. So
        // partitions are left only when the positions need a check as well.
        if let Some(check) = self.topic.needed_check() {
            self.leave_removed(client, &own)?;
            self.require_checks(check, now);
        }
        self.pending.retain(&own);
        let is_first = !self.topic.is_reading();
        let purpose = if is_first { Purpose::Start } else { Purpose::NewPartition };
        for partition in own {
            if self.assignment.assigned(partition).is_none() {
                self.pending.require(partition, purpose, now);
            }
        }
        self.topic.observe_found(now);
        if self.leaders.is_empty() && is_first {
            self.log_start(&[]);
            self.topic.start_reading();
        }
        self.observe_reading(shared);
        Ok(())
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

    fn apply_ranges(
        &mut self,
        partitions: &[i32],
        found: KafkaResult<Vec<OffsetRange>>,
        asked: Instant,
        client: &mut Client,
        shared: &Shared,
    ) {
        let applied = found.and_then(|ranges| {
            self.start_partitions(&ranges, asked, client, shared)?;
            self.check_positions(&ranges, client)
        });
        let now = Instant::now();
        for &partition in partitions {
            match applied {
                Ok(()) => self.pending.resolve(partition, now),
                Err(_) => self.pending.retry(partition, now, RETRY_AFTER),
            }
        }
        match applied {
            Ok(()) => self.observe_reading(shared),
            Err(error) if self.topic.is_reading() => {
                let topic = self.assignment.topic();
                if self.pending.has_starts() {
                    shared.outage.observe(self.thread, &format!("topic {topic}: {error}"));
                }
                tracing::debug!(topic, ?partitions, %error, "kafka does not give offsets");
            }
            Err(error) => self.observe_failure(&error, shared),
        }
    }

    /// Starts those of the partitions that are not read yet.
    fn start_partitions(
        &mut self,
        ranges: &[OffsetRange],
        asked: Instant,
        client: &mut Client,
        shared: &Shared,
    ) -> KafkaResult<()> {
        let is_wanted = |range: &&OffsetRange| self.pending.asked(range.partition).is_some();
        let mut wanted: Vec<_> = ranges.iter().filter(is_wanted).copied().collect();
        wanted.retain(|range| self.assignment.assigned(range.partition).is_none());
        if wanted.is_empty() {
            return Ok(());
        }
        let positions: Vec<_> = wanted.iter().map(|range| (range.partition, range.start)).collect();
        client.assign(self.assignment.topic(), &positions)?;
        self.log_start(&wanted);
        shared.publish(self.assignment.start(&wanted, asked));
        self.topic.start_reading();
        Ok(())
    }

    fn log_start(&self, ranges: &[OffsetRange]) {
        let topic = self.assignment.topic();
        if self.topic.is_reading() && !self.pending.has_starts() {
            for OffsetRange { partition, start, .. } in ranges {
                tracing::info!(topic, partition, start, "reading a new partition");
            }
            return;
        }
        tracing::info!(
            topic,
            thread = self.thread,
            partitions = ranges.len(),
            backlog_records = ranges.iter().map(|r| (r.end - r.start).max(0)).sum::<i64>(),
            "reading"
        );
    }

    /// Resets those positions that are outside their logs. The others are assigned again where
    /// they are, since the client may have stopped fetching them.
    fn check_positions(&mut self, ranges: &[OffsetRange], client: &mut Client) -> KafkaResult<()> {
        let (mut positions, mut resets) = (Vec::new(), Vec::new());
        for &range in ranges {
            let Some(question) = self.pending.asked(range.partition) else { continue };
            let Purpose::Check(check) = question.purpose else { continue };
            let Some(partition) = self.assignment.assigned(range.partition) else { continue };
            let position = partition.next_offset();
            let reset = OffsetReset::needed(question.position, position, range, check);
            positions.push((range.partition, reset.map_or(position, |reset| reset.start)));
            resets.extend(reset.map(|reset| (reset, position)));
        }
        client.reassign(self.assignment.topic(), &positions)?;
        for (partition, _) in positions {
            self.assignment.restart_partition(partition);
        }
        for (reset, position) in resets {
            reset.log(self.assignment.topic(), position);
            self.assignment.reset(reset);
        }
        Ok(())
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
