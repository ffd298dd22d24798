//! The offsets of partitions: which of them a broker has to tell, and what is done with them.

use std::time::Instant;

use rdkafka::error::{KafkaError, KafkaResult};

use super::TopicReader;
use crate::ingest::broker_queries::BrokerQueries;
use crate::ingest::client::Client;
use crate::ingest::list_offsets::Wanted;
use crate::ingest::offsets::{OffsetRange, OffsetReset, StartAt, StartPolicy};
use crate::ingest::pending_offsets::{Purpose, Question};
use crate::ingest::shared::Shared;
use crate::ingest::topic::RETRY_AFTER;

impl TopicReader {
    /// The partitions whose offsets are needed, each with its leader and with where to start in
    /// it. Leaves out those whose leader is asked already.
    pub(in crate::ingest) fn take_wanted_ranges(
        &mut self,
        queries: &BrokerQueries,
        now: Instant,
    ) -> Vec<(i32, (Wanted, StartAt))> {
        if self.pending.is_empty() {
            return Vec::new();
        }
        let leader_of = |partition| self.leaders.leader_of(partition);
        let may_ask = |partition| !queries.is_asked_for_ranges(leader_of(partition));
        let position_of = |partition| self.assignment.position(partition).unwrap_or(0);
        let due = self.pending.take_due(now, may_ask, position_of);
        let range = |question: Question| {
            let is_start = question.purpose == Purpose::Start;
            let policy = if is_start { self.start } else { StartPolicy::Everything };
            let start_at = policy.start_at(self.clock.now());
            (leader_of(question.partition), (self.wanted(question.partition), start_at))
        };
        due.into_iter().map(range).collect()
    }

    pub(super) fn apply_ranges(
        &mut self,
        mut found: Vec<(i32, KafkaResult<OffsetRange>)>,
        asked: Instant,
        client: &mut Client,
        shared: &Shared,
    ) {
        found.retain(|&(partition, _)| self.pending.is_awaited(partition, asked));
        let (ranges, failures): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(_, found)| found.is_ok());
        let ranges: Vec<_> = ranges.into_iter().filter_map(|(_, range)| range.ok()).collect();
        let applied = self
            .start_partitions(&ranges, asked, client, shared)
            .and_then(|()| self.check_positions(&ranges, client));
        let now = Instant::now();
        let has_applied = applied.is_ok() && !ranges.is_empty();
        for OffsetRange { partition, .. } in ranges {
            match applied {
                Ok(()) => self.pending.resolve(partition, now),
                Err(_) => self.pending.retry(partition, now, RETRY_AFTER),
            }
        }
        for &(partition, _) in &failures {
            self.pending.retry(partition, now, RETRY_AFTER);
        }
        if has_applied {
            self.observe_reading(shared);
        }
        let failure = failures.into_iter().find_map(|(_, found)| found.err());
        if let Some(error) = applied.err().or(failure) {
            self.observe_missing_offsets(&error, shared);
        }
    }

    /// Notes that the offsets of some partitions could not be had.
    fn observe_missing_offsets(&mut self, error: &KafkaError, shared: &Shared) {
        if !self.topic.is_reading() {
            self.observe_failure(error, shared);
            return;
        }
        let topic = self.assignment.topic();
        if self.pending.has_starts() {
            shared.outage.observe(self.thread, &format!("topic {topic}: {error}"));
        }
        tracing::debug!(topic, %error, "kafka does not give offsets");
        // Other brokers may lead the partitions by now.
        self.topic.look_soon(Instant::now());
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

    pub(super) fn log_start(&self, ranges: &[OffsetRange]) {
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
            let reset = OffsetReset::needed(question.position, position, range, check)
                .map(|reset| reset.after_reading_to(partition.read_to()));
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
}
