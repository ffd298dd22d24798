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
    // Watermarks first: a record that comes in between is then read, not skipped.
    let watermarks = partitions
        .iter()
        .map(|&partition| client.fetch_watermarks(topic, partition, left(until)))
        .collect::<KafkaResult<Vec<_>>>()?;
    let starts = match from {
        From::Earliest => watermarks.iter().map(|&(low, _)| low).collect(),
        From::Time(time) => starts_at(client, topic, partitions, &watermarks, time, until)?,
    };
    Ok(partitions
        .iter()
        .zip(starts)
        .zip(watermarks)
        .map(|((&partition, start), (_, end))| Backlog { partition, start, end })
        .collect())
}

fn starts_at(
    client: &Client,
    topic: &str,
    partitions: &[i32],
    watermarks: &[(i64, i64)],
    time: Timestamp,
    until: Instant,
) -> KafkaResult<Vec<i64>> {
    let mut times = TopicPartitionList::with_capacity(partitions.len());
    for &partition in partitions {
        times.add_partition_offset(topic, partition, Offset::Offset(time.as_millis().max(0)))?;
    }
    let found = client.offsets_for_times(times, left(until))?;
    partitions
        .iter()
        .zip(watermarks)
        .map(|(&partition, &(_, high))| {
            let answer = found.find_partition(topic, partition);
            let answer =
                answer.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
            answer.error()?;
            // No record that young is answered as the end, which would be resolved
            // later than the watermark was: what comes in between would be skipped.
            Ok(if let Offset::Offset(start) = answer.offset() { start } else { high })
        })
        .collect()
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
