//! What brokers are asked, in the client's calls: the partitions of a topic, and the offsets of
//! partitions. Each call waits for its answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::MetadataPartition;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::leaders::Leader;
use super::offsets::{OffsetRange, StartAt};
use super::query_consumer::QueryConsumer;
use super::topic_ids::TopicId;

/// How long a broker may take to name the partitions of a topic.
const PARTITIONS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a broker may take to find where to start.
const RANGES_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a broker may take to say where partitions end.
const ENDS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the client's log is read after an answer.
const EVENTS_TIME: Duration = Duration::from_millis(1);
/// No record with a time is older.
const ANY_TIME: Offset = Offset::Offset(0);

/// A partition to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The topic, and its place in the configuration.
    pub(super) topic: Arc<str>,
    pub(super) topic_number: usize,
    pub(super) partition: i32,
}

/// What a broker says of a topic.
#[derive(Debug)]
pub(super) struct FoundTopic {
    /// None where the brokers name no ids.
    pub(super) id: Option<TopicId>,
    /// Its partitions, and which broker leads each.
    pub(super) leaders: Vec<Leader>,
}

/// Finds out which partitions a topic has.
pub(super) fn find_topic(consumer: &QueryConsumer, topic: &str) -> KafkaResult<FoundTopic> {
    let metadata = consumer.fetch_metadata(Some(topic), PARTITIONS_TIMEOUT)?;
    let unknown = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.ok_or_else(|| unknown.clone())?;
    if let Some(error) = found.error() {
        return Err(KafkaError::MetadataFetch(error.into()));
    }
    if found.partitions().is_empty() {
        return Err(unknown);
    }
    let leader = |partition: &MetadataPartition| Leader {
        partition: partition.id(),
        broker: partition.leader(),
    };
    let leaders = found.partitions().iter().map(leader).collect();
    // The client has said the id before it has given the answer.
    while consumer.poll(EVENTS_TIME).is_some() {}
    Ok(FoundTopic { id: consumer.context().topic_id(topic), leaders })
}

/// Where each partition ends: its high watermark.
pub(super) fn ends(consumer: &QueryConsumer, wanted: &[Wanted]) -> Vec<KafkaResult<i64>> {
    let until = Instant::now() + ENDS_TIMEOUT;
    high_watermarks(consumer, wanted, until)
}

/// Where to start in each partition, and where it ends.
pub(super) fn ranges(
    consumer: &QueryConsumer,
    wanted: &[Wanted],
    start_at: &[StartAt],
) -> Vec<KafkaResult<OffsetRange>> {
    let until = Instant::now() + RANGES_TIMEOUT;
    // Ends first: a record that comes in between is then read, not skipped.
    let ends = high_watermarks(consumer, wanted, until);
    let starts = starts(consumer, wanted, start_at, until);
    let range = |((wanted, start), end): ((&Wanted, KafkaResult<Option<i64>>), _)| {
        let (start, end) = (start?, end?);
        // No record is that young: read what comes. The end may have moved since it was asked
        // for, and the end that we have skips nothing.
        Ok(OffsetRange { partition: wanted.partition, start: start.unwrap_or(end), end })
    };
    wanted.iter().zip(starts).zip(ends).map(range).collect()
}

fn high_watermarks(
    consumer: &QueryConsumer,
    wanted: &[Wanted],
    until: Instant,
) -> Vec<KafkaResult<i64>> {
    let ends = offsets(consumer, &at_all(wanted, Offset::End), until);
    let known =
        |end: Option<i64>| end.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition));
    ends.into_iter().map(|end| end.and_then(known)).collect()
}

/// The first offset to read of each partition; none where no record is young enough.
fn starts(
    consumer: &QueryConsumer,
    wanted: &[Wanted],
    start_at: &[StartAt],
    until: Instant,
) -> Vec<KafkaResult<Option<i64>>> {
    let at = |start| match start {
        StartAt::Earliest => Offset::Beginning,
        // The client takes a time in the place of an offset.
        StartAt::Time(time) => Offset::Offset(time.as_millis().max(0)),
    };
    let asked: Vec<_> =
        wanted.iter().zip(start_at).map(|(each, &start)| (each, at(start))).collect();
    let mut starts = offsets(consumer, &asked, until);
    let old: Vec<_> = (0..starts.len()).filter(|&n| matches!(starts[n], Ok(None))).collect();
    let without_young: Vec<_> = old.iter().map(|&n| &wanted[n]).collect();
    for (n, start) in old.into_iter().zip(starts_without_young(consumer, &without_young, until)) {
        starts[n] = start;
    }
    starts
}

/// Where to start in partitions in which no record is young enough by its time. A record need not
/// have a time, and no time finds one without. If no record of a partition has a time, all are
/// read: each counts from its arrival, at a start as later. If some have one, those are all too
/// old, and what lies between them is taken to be as old as they are.
fn starts_without_young(
    consumer: &QueryConsumer,
    wanted: &[&Wanted],
    until: Instant,
) -> Vec<KafkaResult<Option<i64>>> {
    let at = |at| wanted.iter().map(|&each| (each, at)).collect::<Vec<_>>();
    let timed = offsets(consumer, &at(ANY_TIME), until);
    let first = offsets(consumer, &at(Offset::Beginning), until);
    let start = |(timed, first): (KafkaResult<Option<i64>>, _)| match timed? {
        Some(_) => Ok(None),
        None => first,
    };
    timed.into_iter().zip(first).map(start).collect()
}

fn at_all(wanted: &[Wanted], at: Offset) -> Vec<(&Wanted, Offset)> {
    wanted.iter().map(|each| (each, at)).collect()
}

/// The offset of each partition at a place in it; none where there is none.
fn offsets(
    consumer: &QueryConsumer,
    asked: &[(&Wanted, Offset)],
    until: Instant,
) -> Vec<KafkaResult<Option<i64>>> {
    if asked.is_empty() {
        return Vec::new();
    }
    let found = match list_offsets(consumer, asked, until) {
        Ok(found) => found,
        Err(error) => return asked.iter().map(|_| Err(error.clone())).collect(),
    };
    let offset = |(wanted, _): &(&Wanted, Offset)| {
        let answer = found.find_partition(&wanted.topic, wanted.partition);
        let answer = answer.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
        answer.error()?;
        Ok(if let Offset::Offset(offset) = answer.offset() { Some(offset) } else { None })
    };
    asked.iter().map(offset).collect()
}

/// One request to each broker for all partitions.
fn list_offsets(
    consumer: &QueryConsumer,
    asked: &[(&Wanted, Offset)],
    until: Instant,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(asked.len());
    for &(wanted, at) in asked {
        list.add_partition_offset(&wanted.topic, wanted.partition, at)?;
    }
    consumer.offsets_for_times(list, left(until))
}

/// What is left of the time; a moment at least, since zero asks for no answer at all.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
