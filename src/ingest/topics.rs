//! The topics of one ingest thread: which reader a record goes to, and from where each is read.

use rdkafka::message::Message as _;

use super::apply::TableSource;
use super::assignment::TopicAssignment;
use super::batch::{Batch, PolledRecord};
use super::offsets::StartPolicy;
use super::shared::Shared;
use super::topic_reader::TopicReader;
use crate::config::Start;
use crate::pluck::Scratch;

/// Every topic, by its number, and what is needed to handle a record.
pub(super) struct Topics {
    pub(super) readers: Vec<TopicReader>,
    /// One for each record of a batch.
    scratches: [Scratch; Batch::MAX_RECORDS],
    /// How many records were handled in all.
    pub(super) records: u64,
}

impl Topics {
    pub(super) fn new(thread: usize, sources: &[TableSource], shared: &Shared) -> Self {
        let readers = readers(thread, sources, shared);
        Self { readers, scratches: std::array::from_fn(|_| Scratch::new()), records: 0 }
    }

    /// Gives the records of a batch to the readers of their topics.
    pub(super) fn apply(&mut self, batch: &Batch<'_>, shared: &Shared) {
        for records in batch.records.chunk_by(PolledRecord::has_partition_of) {
            let name = records[0].message.topic();
            if let Some(topic) = self.readers.iter_mut().find(|topic| topic.name() == name) {
                topic.apply(&mut self.scratches, records, batch.now, shared);
            }
        }
        self.records += batch.records.len() as u64;
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
