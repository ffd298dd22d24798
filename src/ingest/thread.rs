//! One ingest thread: the loop that polls its client, applies records and keeps time.
//!
//! A turn does what is due and then handles a few batches of records. Nothing in a turn waits but
//! the poll itself. What a record does is in `apply`, what answers and timers do
//! to a topic is in `topic_reader`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;

use super::apply::TableSource;
use super::batch::Batch;
use super::broker_queries::{BrokerQueries, Query};
use super::client::Client;
use super::connection_fault::ConnectionFault;
use super::credentials::Credentials;
use super::outage::Need;
use super::query_client::QueryHandle;
use super::shared::Shared;
use super::statistics::Watermarks;
use super::table_reports::TableReports;
use super::topic::RETRY_AFTER;
use super::topic_reader::TopicReader;
use super::topics::Topics;
use crate::heap;

/// How long a turn may wait for a record.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// The same while a broker's answer is awaited, which has to be applied when it comes.
const POLL_TIMEOUT_WITH_QUERY: Duration = Duration::from_millis(10);
/// How many batches a turn handles before timers are looked at: 64 records.
const BATCHES_PER_TURN: usize = 4;
/// How often the progress of loading is logged.
const LOG_LOADING_AFTER: Duration = Duration::from_secs(5);
/// How often brokers are asked where paused partitions end.
const ASK_PAUSED_AFTER: Duration = Duration::from_millis(500);

pub(super) struct IngestThread {
    number: usize,
    shared: Arc<Shared>,
    client: Client,
    topics: Topics,
    queries: BrokerQueries,
    watermarks: Watermarks,
    /// Those of the first thread are of all tables, those of the others of none.
    reports: TableReports,
    /// How often the client reported that some topic may not be read.
    denials: u64,
    /// Whether one was reported that has led to no probe yet.
    is_probe_due: bool,
    log_loading_at: Instant,
    ask_for_ends_at: Instant,
    recreate_at: Instant,
    /// What its client shows of itself, or could not be given.
    credentials: Arc<Credentials>,
}

impl IngestThread {
    pub(super) fn new(
        number: usize,
        client: Client,
        query_client: QueryHandle,
        sources: &[TableSource],
        shared: Arc<Shared>,
    ) -> Self {
        let now = Instant::now();
        shared.wake_handle.set_client(number, client.consumer());
        let topics = Topics::new(number, sources, &shared);
        let names = topics.readers.iter().map(|topic| topic.name().to_owned()).collect();
        Self {
            number,
            queries: BrokerQueries::new(query_client, client.leader_lookup(names)),
            client,
            topics,
            watermarks: Watermarks::new(now),
            reports: reports(number, sources, now),
            denials: 0,
            is_probe_due: false,
            log_loading_at: now + LOG_LOADING_AFTER,
            ask_for_ends_at: now,
            recreate_at: now,
            credentials: shared.credentials.load_full(),
            shared,
        }
    }

    pub(super) fn run(mut self) {
        self.shared.account.adopt_thread();
        while !self.shared.is_stopping() {
            self.turn();
            // A lookup that comes in on this core would wait some milliseconds for the end of the
            // thread's time slice. If nothing waits for the core this takes no time.
            thread::yield_now();
        }
    }

    fn turn(&mut self) {
        self.shared.health.observe_turn(self.number);
        heap::flush_if_asked();
        self.apply_pause();
        self.apply_answers();
        self.reload_lost();
        self.ask_brokers();
        self.probe_access();
        self.recreate_broken_client();
        self.use_new_credentials();
        self.log_loading();
        self.read_records();
    }

    fn read_records(&mut self) {
        let is_idle = self.queries.is_idle();
        let mut timeout = if is_idle { POLL_TIMEOUT } else { POLL_TIMEOUT_WITH_QUERY };
        for _ in 0..BATCHES_PER_TURN {
            if !self.read_batch(timeout) {
                break;
            }
            timeout = Duration::ZERO;
        }
    }

    /// Handles the next records, or whatever else the client has. Whether it may have more at once.
    fn read_batch(&mut self, timeout: Duration) -> bool {
        let (error, is_full) = {
            let batch = Batch::poll(&self.client, &self.shared.clock, timeout);
            self.topics.apply(&batch, &self.shared);
            (batch.error, batch.is_full)
        };
        if let Some(error) = error {
            self.observe_error(&error);
        }
        if let Some(statistics) = self.client.take_statistics() {
            self.observe_statistics(&statistics);
        }
        is_full
    }

    fn observe_error(&mut self, error: &KafkaError) {
        let reason = self.client.take_reason();
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                if self.need() != Need::Nothing {
                    let reason = reason.unwrap_or_else(|| error.to_string());
                    self.shared.outage.observe(self.number, &reason);
                }
            }
            // A topic that is missing is found by the next look. The client asks for the
            // coordinator of its group, which it never joins: nothing needs the answer.
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::GroupAuthorizationFailed,
            ) => {}
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                self.denials += 1;
                self.is_probe_due = true;
            }
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::LogTruncation) => {
                // It does not say of which partition.
                let now = Instant::now();
                self.topics.readers.iter_mut().for_each(|topic| topic.require_offset_check(now));
            }
            _ => {
                let reason = reason.unwrap_or_else(|| error.to_string());
                match ConnectionFault::parse(&reason) {
                    Some(fault) => self.shared.outage.observe_fault(&fault),
                    None => self.shared.outage.observe_error(&reason),
                }
            }
        }
    }

    fn observe_statistics(&mut self, statistics: &Statistics) {
        self.watermarks.observe(statistics, Instant::now(), self.client.is_paused());
        let (made, need) = (self.watermarks.made(), self.need());
        self.shared.outage.observe_statistics(self.number, statistics, made, need);
        if self.number == 0 {
            self.reports.update(&self.shared, Instant::now());
        }
        if self.client.is_paused() {
            // What the client remembers of a paused partition is as of the last fetch.
            return;
        }
        let records = self.topics.records;
        for topic in &mut self.topics.readers {
            topic.observe_statistics(statistics, &self.watermarks, records, &self.shared);
        }
    }

    fn need(&self) -> Need {
        let readers = &self.topics.readers;
        if readers.iter().any(TopicReader::is_waiting) {
            Need::ToStart
        } else if readers.iter().any(TopicReader::has_partitions) {
            Need::ToRead
        } else {
            Need::Nothing
        }
    }

    /// Pauses or resumes the partitions if that was asked for.
    fn apply_pause(&mut self) {
        let is_paused = self.shared.pause_handle.is_paused();
        if is_paused == self.client.is_paused() {
            return;
        }
        match self.client.set_paused(is_paused) {
            Ok(()) => {
                self.topics.readers.iter_mut().for_each(TopicReader::restart);
                self.ask_for_ends_at = Instant::now();
            }
            Err(error) => self.observe_error(&error),
        }
    }

    fn apply_answers(&mut self) {
        let mut stalled = Vec::new();
        while let Some(answers) = self.queries.take_answers() {
            for answer in answers {
                let number = answer.topic_number;
                let topic = &mut self.topics.readers[number];
                let found = topic.apply_answer(answer, &mut self.client, &self.shared);
                if !found.is_empty() {
                    stalled.push((number, found));
                }
            }
        }
        if !stalled.is_empty() && self.recreate_client() {
            for (number, partitions) in stalled {
                self.topics.readers[number].observe_stall(&partitions);
            }
        }
    }

    fn ask_brokers(&mut self) {
        if !self.queries.has_begun() {
            return;
        }
        let now = Instant::now();
        let mut ranges = BTreeMap::<i32, Vec<_>>::new();
        for topic in &mut self.topics.readers {
            topic.ask_for_partitions(&mut self.queries, now);
            for (leader, wanted) in topic.take_wanted_ranges(&self.queries, now) {
                ranges.entry(leader).or_default().push(wanted);
            }
        }
        for (leader, wanted) in ranges {
            self.queries.send(Query::Ranges { leader, wanted });
        }
        if now >= self.ask_for_ends_at {
            self.ask_for_ends(now);
        }
    }

    /// Asks where partitions end, to find those that have stalled.
    fn ask_for_ends(&mut self, now: Instant) {
        let is_paused = self.client.is_paused();
        // A stall is to be noticed soon after it counts as one.
        let after = self.shared.config.ingest.stall_timeout / 4;
        self.ask_for_ends_at = now + if is_paused { ASK_PAUSED_AFTER } else { after };
        let mut ends = BTreeMap::<i32, Vec<_>>::new();
        for topic in &mut self.topics.readers {
            for (leader, wanted) in topic.take_wanted_ends(is_paused) {
                ends.entry(leader).or_default().push(wanted);
            }
        }
        for (leader, wanted) in ends {
            self.queries.send(Query::Ends { leader, wanted });
        }
    }

    /// Reads again what tables lost while memory was short, once it is not short any more.
    fn reload_lost(&mut self) {
        if self.shared.config.memory.reload_after_pressure && !self.client.is_paused() {
            let now = Instant::now();
            for topic in &mut self.topics.readers {
                topic.reload_lost(&mut self.client, now);
            }
        }
    }

    /// Finds out which topic may not be read, if the client reported that one may not.
    fn probe_access(&mut self) {
        let (now, denials) = (Instant::now(), self.denials);
        let readers = &mut self.topics.readers;
        if self.client.is_paused() {
            // Nothing is fetched that could show anything.
            for topic in readers {
                topic.postpone_probe(now);
            }
            return;
        }
        if std::mem::take(&mut self.is_probe_due) {
            for topic in readers.iter_mut() {
                topic.probe_access(&mut self.client, now, denials);
            }
        }
        for topic in readers {
            topic.end_probe(now, denials, &self.shared);
        }
    }

    /// Recreates a client that could not be given the assignment that it should have.
    fn recreate_broken_client(&mut self) {
        let now = Instant::now();
        if self.client.is_broken() && now >= self.recreate_at {
            self.recreate_at = now + RETRY_AFTER;
            if self.recreate_client() {
                let thread = self.number;
                tracing::warn!(
                    thread,
                    "partitions could not be assigned, going on with a new client"
                );
            }
        }
    }

    /// Goes on with a client that has the credentials that are current, if its own are not.
    fn use_new_credentials(&mut self) {
        let current = self.shared.credentials.load();
        if Arc::ptr_eq(&current, &self.credentials) {
            return;
        }
        let current = Arc::clone(&current);
        match self.try_recreate_client() {
            // Another thread's client is being replaced: at the next turn.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => self.log_no_new_client(&error),
            Ok(()) => {}
        }
        self.credentials = current;
    }

    /// Replaces the client by one that reads on at our positions. Whether that was possible; the old
    /// one goes on otherwise.
    fn recreate_client(&mut self) -> bool {
        let recreated = self.try_recreate_client();
        if let Err(error) = &recreated {
            self.log_no_new_client(error);
        }
        recreated.is_ok()
    }

    fn log_no_new_client(&self, error: &io::Error) {
        tracing::error!(%error, thread = self.number, "the client cannot be recreated, going on with the old one");
    }

    /// Replaces the client at our positions, so that no record is lost or handled twice.
    fn try_recreate_client(&mut self) -> io::Result<()> {
        let positions = |topic: &TopicReader| (topic.name().to_owned(), topic.positions());
        let positions: Vec<_> = self.topics.readers.iter().map(positions).collect();
        let credentials = self.shared.credentials.load_full();
        self.client.recreate(&self.shared.config, &credentials, &positions)?;
        self.shared.wake_handle.set_client(self.number, self.client.consumer());
        self.topics.readers.iter_mut().for_each(TopicReader::restart);
        Ok(())
    }

    /// Logs how far the tables are that are loading. The first thread does, for all.
    fn log_loading(&mut self) {
        let now = Instant::now();
        if self.number == 0 && now >= self.log_loading_at && !self.shared.health.is_ready() {
            self.log_loading_at = now + LOG_LOADING_AFTER;
            self.shared.log_loading();
        }
    }
}

/// The tables that a thread reports on: the first thread on all, for all threads.
fn reports(thread: usize, sources: &[TableSource], now: Instant) -> TableReports {
    let own = if thread == 0 { sources } else { &[] };
    TableReports::new(own.iter().map(|source| Arc::clone(&source.table)), now)
}
