//! The last records of a topic, copied out of the client.
//!
//! A bound on bytes and one on records hold whatever the topic has.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::ingest::client::Consumer;
use crate::ingest::trial::TrialRecord;

/// For how long no record may come before the rest is given up.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// The most that is kept at once, in bytes of keys, values and headers.
const MAX_BYTES: usize = 64 << 20;

/// The offsets that a partition has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    pub(super) partition: i32,
    pub(super) low: i64,
    pub(super) high: i64,
}

/// The last `count` records of a topic by their timestamps, the oldest first; fewer if these have
/// more than [`MAX_BYTES`]. A value is cut off after `max_payload_bytes`: it is too large anyway.
pub(super) fn read(
    consumer: &Consumer,
    topic: &str,
    logs: &[Log],
    count: usize,
    max_payload_bytes: usize,
) -> KafkaResult<Vec<TrialRecord>> {
    let mut unread = assign(consumer, topic, logs, count)?;
    let mut records = Newest { count, bytes: 0, records: Vec::new() };
    let mut last = Instant::now();
    while !unread.is_empty() && last.elapsed() < PATIENCE {
        match consumer.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => {
                last = Instant::now();
                let (partition, offset) = (message.partition(), message.offset());
                let Some(&high) = unread.get(&partition) else { continue };
                records.push(copy(&message, max_payload_bytes));
                if offset + 1 >= high {
                    unread.remove(&partition);
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                unread.remove(&partition);
            }
            Some(Err(error)) if is_denial(&error) => return Err(error),
            Some(Err(_)) | None => {}
        }
    }
    consumer.unassign()?;
    Ok(records.into_sorted())
}

/// Assigns the ends of the partitions that have any records, and returns the offset at which each of
/// these ends.
fn assign(
    consumer: &Consumer,
    topic: &str,
    logs: &[Log],
    count: usize,
) -> KafkaResult<BTreeMap<i32, i64>> {
    let mut list = TopicPartitionList::new();
    let filled = || logs.iter().filter(|log| log.high > log.low && count > 0);
    for log in filled() {
        let back = i64::try_from(count).unwrap_or(i64::MAX);
        let start = log.high.saturating_sub(back).max(log.low);
        list.add_partition_offset(topic, log.partition, Offset::Offset(start))?;
    }
    consumer.assign(&list)?;
    Ok(filled().map(|log| (log.partition, log.high)).collect())
}

fn is_denial(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed)
}

fn copy(message: &BorrowedMessage<'_>, max_payload_bytes: usize) -> TrialRecord {
    let cut = |payload: &[u8]| payload.iter().take(max_payload_bytes).copied().collect();
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let header = |header: rdkafka::message::Header<'_, &[u8]>| {
        (header.key.to_owned(), header.value.map(<[u8]>::to_vec))
    };
    TrialRecord {
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().map(cut),
        headers: headers.map(header).collect(),
        partition: message.partition(),
        offset: message.offset(),
        time_millis: message.timestamp().to_millis(),
    }
}

/// The newest records so far, and some more.
struct Newest {
    count: usize,
    bytes: usize,
    records: Vec<TrialRecord>,
}

impl Newest {
    fn push(&mut self, record: TrialRecord) {
        self.bytes += record.bytes();
        self.records.push(record);
        if self.records.len() >= 2 * self.count || self.bytes >= 2 * MAX_BYTES {
            self.prune();
        }
    }

    /// Leaves the newest records that are within both bounds, and at least one.
    fn prune(&mut self) {
        // Stable: records of one partition stay in their order.
        self.records.sort_by_key(|record| record.time_millis);
        let mut bytes = 0;
        let newest_first = self.records.iter().rev().take(self.count);
        let kept = newest_first
            .take_while(|record| {
                bytes += record.bytes();
                bytes <= MAX_BYTES
            })
            .count();
        let kept = kept.max(1).min(self.records.len());
        self.records.drain(..self.records.len() - kept);
        self.bytes = self.records.iter().map(TrialRecord::bytes).sum();
    }

    fn into_sorted(mut self) -> Vec<TrialRecord> {
        if !self.records.is_empty() {
            self.prune();
        }
        self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(count: usize, records: impl IntoIterator<Item = (i64, usize)>) -> Vec<i64> {
        let mut newest = Newest { count, bytes: 0, records: Vec::new() };
        for (time, bytes) in records {
            newest.push(TrialRecord {
                payload: Some(vec![0; bytes]),
                time_millis: Some(time),
                ..TrialRecord::default()
            });
            assert!(newest.records.len() <= 2 * count && newest.bytes < 2 * MAX_BYTES);
        }
        newest.into_sorted().into_iter().filter_map(|record| record.time_millis).collect()
    }

    #[test]
    fn the_newest_records_by_time_are_kept_in_order() {
        assert_eq!(newest(3, [(5, 1), (1, 1), (9, 1), (7, 1), (2, 1), (8, 1)]), [7, 8, 9]);
        assert_eq!(newest(3, [(5, 1)]), [5]);
        assert!(newest(3, []).is_empty());
    }

    #[test]
    fn records_that_are_too_many_bytes_together_leave_the_newest() {
        let large = MAX_BYTES / 2;
        assert_eq!(newest(10, [(1, large), (2, large), (3, large), (4, large)]), [3, 4]);
    }
}
