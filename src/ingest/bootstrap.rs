//! Where to start reading and when a partition has caught up.
//!
//! A topic is read from the first offset that can still be alive, up to the high
//! watermark noted here; whatever comes later is followed, not waited for.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::consumer::Client;
use crate::record::Timestamp;

/// How long beginning a topic may take. Well under what makes a poll loop look stuck.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// What of a partition is to be read before its table is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backlog {
    pub(super) partition: i32,
    /// The first offset that can still be alive.
    pub(super) start: i64,
    /// The high watermark when it was asked: from here on a partition has caught up.
    pub(super) end: i64,
}

/// From where a topic is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    /// The first record of this time or later.
    Time(Timestamp),
    /// The first record there is.
    Earliest,
}

/// Which thread reads a partition. Topics start at different threads, so that many
/// topics of one partition are not all the first thread's.
pub(super) fn thread_of(topic_number: usize, partition: i32, threads: usize) -> usize {
    (topic_number + usize::try_from(partition).unwrap_or(0)) % threads
}

/// The partitions of a topic.
pub(super) fn partitions_of(client: &Client, topic: &str, until: Instant) -> KafkaResult<Vec<i32>> {
    let metadata = client.fetch_metadata(Some(topic), left(until))?;
    let unknown = RDKafkaErrorCode::UnknownTopicOrPartition;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.ok_or(KafkaError::MetadataFetch(unknown))?;
    if let Some(error) = found.error() {
        return Err(KafkaError::MetadataFetch(error.into()));
    }
    if found.partitions().is_empty() {
        return Err(KafkaError::MetadataFetch(unknown));
    }
    Ok(found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
}

/// What of each partition is to be read.
pub(super) fn backlogs(
    client: &Client,
    topic: &str,
    partitions: &[i32],
    from: From,
    until: Instant,
) -> KafkaResult<Vec<Backlog>> {
    if partitions.is_empty() {
        // More threads than partitions. Asking about none is an error to librdkafka.
        return Ok(Vec::new());
    }
    // Ends first: a record that comes in between is then read, not skipped.
    let ends = offsets(client, topic, partitions, Offset::End, until)?;
    let starts = match from {
        From::Earliest => offsets(client, topic, partitions, Offset::Beginning, until)?,
        From::Time(time) => {
            let time = Offset::Offset(time.as_millis().max(0));
            offsets(client, topic, partitions, time, until)?
        }
    };
    let backlog = |((&partition, start), end): ((&i32, Option<i64>), Option<i64>)| {
        let end = end.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
        // No record that young is answered as the end, which would be resolved later than the
        // high watermark was: what comes in between would be skipped.
        Ok(Backlog { partition, start: start.unwrap_or(end), end })
    };
    partitions.iter().zip(starts).zip(ends).map(backlog).collect()
}

/// The offset of each partition at `at`, a time for an offset; none where there is none.
///
/// One question to each broker, for all partitions. A broker answers a client in order, and keeps
/// it waiting while there is nothing new to fetch: a question for each partition would take half
/// a second for each.
fn offsets(
    client: &Client,
    topic: &str,
    partitions: &[i32],
    at: Offset,
    until: Instant,
) -> KafkaResult<Vec<Option<i64>>> {
    let mut places = TopicPartitionList::with_capacity(partitions.len());
    for &partition in partitions {
        places.add_partition_offset(topic, partition, at)?;
    }
    let found = client.offsets_for_times(places, left(until))?;
    let offset = |&partition: &i32| {
        let answer = found.find_partition(topic, partition);
        let answer = answer.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
        answer.error()?;
        Ok(if let Offset::Offset(offset) = answer.offset() { Some(offset) } else { None })
    };
    partitions.iter().map(offset).collect()
}

/// What is left of the time; a moment at least, since zero asks for no answer at all.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_always_one_threads_and_no_thread_is_left_out() {
        let shares: Vec<_> = (0..8).map(|partition| thread_of(0, partition, 3)).collect();
        assert_eq!(shares, [0, 1, 2, 0, 1, 2, 0, 1]);
    }

    #[test]
    fn topics_of_one_partition_are_spread_over_the_threads() {
        let shares: Vec<_> = (0..4).map(|topic| thread_of(topic, 0, 2)).collect();
        assert_eq!(shares, [0, 1, 0, 1]);
    }
}
