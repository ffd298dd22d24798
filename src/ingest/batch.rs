//! The records that a thread polls at a time, so that what each of them leads to in a table can be
//! loaded from memory at once.
//!
//! A message keeps the whole message set alive in which it was fetched. So a batch takes no more
//! records once those that it has are large together, and none outlives its turn. This file must not
//! know tables.

use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};

use super::client::Client;
use crate::clock::Clock;
use crate::record::{Origin, Recency, Timestamp};

/// Records that were polled at about the same time.
pub(super) struct Batch<'c> {
    /// In the order in which the client gave them.
    pub(super) records: Vec<PolledRecord<'c>>,
    /// When they came.
    pub(super) now: Timestamp,
    /// What the client reported after them, if anything.
    pub(super) error: Option<KafkaError>,
    /// Whether the client may have more at once.
    pub(super) is_full: bool,
}

/// A record from a broker.
pub(super) struct PolledRecord<'c> {
    pub(super) message: BorrowedMessage<'c>,
    pub(super) origin: Origin,
    /// What ranks it: its time in milliseconds since 1970, or [`Recency::NO_TIME`].
    pub(super) time_rank: i64,
}

impl<'c> Batch<'c> {
    /// The most records of a batch.
    pub(super) const MAX_RECORDS: usize = 16;
    /// A batch takes no further record once its records have so many bytes.
    const ENOUGH_BYTES: usize = Self::MAX_RECORDS * PolledRecord::SMALL_BYTES;

    /// Polls what the client has, and waits for the first record until the timeout.
    pub(super) fn poll(client: &'c Client, clock: &Clock, timeout: Duration) -> Self {
        let mut next = client.poll(timeout);
        let now = clock.now();
        let mut batch = Self { records: Vec::new(), now, error: None, is_full: false };
        let mut bytes = 0;
        while let Some(polled) = next {
            match polled {
                Ok(message) => batch.records.push(PolledRecord::new(message, now)),
                Err(error) => {
                    batch.error = Some(error);
                    break;
                }
            }
            bytes += batch.records.last().map_or(0, PolledRecord::bytes);
            batch.is_full = batch.records.len() == Self::MAX_RECORDS || bytes >= Self::ENOUGH_BYTES;
            if batch.is_full {
                break;
            }
            next = client.poll(Duration::ZERO);
        }
        batch
    }
}

impl<'c> PolledRecord<'c> {
    /// A small record has at most so many bytes.
    pub(super) const SMALL_BYTES: usize = 4 << 10;

    fn new(message: BorrowedMessage<'c>, now: Timestamp) -> Self {
        let millis = message.timestamp().to_millis();
        let origin = Origin {
            partition: message.partition(),
            offset: message.offset(),
            time: millis.map_or(now, Timestamp::from_millis),
        };
        // The time of arrival is no substitute for a rank: a restart would find another.
        Self { message, origin, time_rank: millis.unwrap_or(Recency::NO_TIME) }
    }

    /// Bytes of its key and its payload.
    fn bytes(&self) -> usize {
        self.message.key_len() + self.message.payload_len()
    }

    /// Whether it has few bytes, without its headers.
    pub(super) fn is_small(&self) -> bool {
        self.bytes() <= Self::SMALL_BYTES
    }

    /// Whether both are of the same partition of the same topic.
    pub(super) fn has_partition_of(&self, other: &Self) -> bool {
        self.origin.partition == other.origin.partition
            && self.message.topic() == other.message.topic()
    }
}
