//! The topics of one ingest thread: which reader a record goes to, and from where each is read.

use rdkafka::message::{BorrowedMessage, Message as _};

use super::apply::TableSource;
use super::assignment::TopicAssignment;
use super::offsets::StartPolicy;
use super::shared::Shared;
use super::topic_reader::TopicReader;
use crate::config::Start;
use crate::pluck::Scratch;
use crate::record::{Origin, Timestamp};

/// Every topic, by its number, and what is needed to handle a record.
pub(super) struct Topics {
    pub(super) readers: Vec<TopicReader>,
    scratch: Scratch,
    /// How many records were handled in all.
    pub(super) records: u64,
}

impl Topics {
    pub(super) fn new(thread: usize, sources: &[TableSource], shared: &Shared) -> Self {
        Self { readers: readers(thread, sources, shared), scratch: Scratch::new(), records: 0 }
    }

    /// Gives a record to the reader of its topic.
    pub(super) fn apply(&mut self, message: &BorrowedMessage<'_>, shared: &Shared) {
        let now = shared.clock.now();
        let time = message.timestamp().to_millis().map_or(now, Timestamp::from_millis);
        let origin = Origin { partition: message.partition(), offset: message.offset(), time };
        let name = message.topic();
        if let Some(topic) = self.readers.iter_mut().find(|topic| topic.name() == name) {
            topic.apply(&mut self.scratch, message, origin, now, shared);
        }
        self.records += 1;
    }
}

/// A reader for each topic, in the order of the configuration, with all tables that it feeds.
fn readers(thread: usize, sources: &[TableSource], shared: &Shared) -> Vec<TopicReader> {
    let mut names: Vec<&str> = Vec::new();
    for source in sources {
        if !names.contains(&source.config.topic.as_str()) {
            names.push(&source.config.topic);
        }
    }
    let mut tables = shared.health.table_handles();
    let reader = |(number, name): (usize, &str)| {
        let own: Vec<_> = sources.iter().filter(|source| source.config.topic == name).collect();
        let is_own = |table: &mut crate::health::TableHandle| {
            own.iter().any(|source| source.table.name() == table.name())
        };
        let tables = tables.extract_if(.., is_own).collect();
        let rejections = &shared.rejections;
        let assignment = TopicAssignment::new(name, &own, &shared.config, tables, rejections);
        let start = start_policy(&own, shared.config.ingest.start);
        TopicReader::new(number, thread, start, assignment, shared)
    };
    names.into_iter().enumerate().map(reader).collect()
}

/// From where a topic has to be read so that no live entry of its tables is missed.
fn start_policy(sources: &[&TableSource], start: Start) -> StartPolicy {
    let ttl = sources.iter().map(|source| source.config.life.ttl).max().unwrap_or_default();
    match start {
        Start::Alive if sources.iter().all(|source| source.is_ruled_by_record_times()) => {
            StartPolicy::YoungerThan(ttl)
        }
        Start::Alive | Start::Earliest => StartPolicy::Everything,
    }
}
