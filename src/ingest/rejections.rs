//! Rejected records, beside their counts: the last ones for an operator to list, and dead-letter
//! topics to hand them on to.
//!
//! One for all threads. The list says where each record is and why it was rejected, and never what
//! it contains.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::message::BorrowedMessage;

use super::credentials::Credentials;
use super::dead_letters::DeadLetters;
use super::outage::Outage;
use crate::config::Config;
use crate::stats::{DeadLetterStats, ListedRejection, Rejection};

pub(super) struct Rejections {
    last: LastRejections,
    dead_letters: DeadLetters,
}

impl Rejections {
    /// Creates the producer of dead letters too, if one is configured. It waits for no broker.
    pub(super) fn new(
        config: &Config,
        credentials: &Credentials,
        outage: &Arc<Outage>,
    ) -> io::Result<Self> {
        let last = LastRejections::new(config.ingest.recent_rejections);
        Ok(Self { last, dead_letters: DeadLetters::new(config, credentials, outage)? })
    }

    /// Goes on with a producer of dead letters that has these credentials, if there is any. The one
    /// before stays if there can be no new one.
    pub(super) fn renew_producer(
        &self,
        config: &Config,
        credentials: &Credentials,
        outage: &Arc<Outage>,
    ) -> io::Result<()> {
        self.dead_letters.renew(config, credentials, outage)
    }

    /// Lists a rejected record, and hands it on to the dead-letter topic if there is one.
    pub(super) fn add(
        &self,
        rejection: Rejection,
        message: &BorrowedMessage<'_>,
        dead_letter_topic: Option<&str>,
    ) {
        if let Some(topic) = dead_letter_topic {
            self.dead_letters.send(topic, message, &rejection);
        }
        self.last.push(rejection);
    }

    /// The last rejected records, the newest first.
    pub(super) fn list(&self) -> Vec<ListedRejection> {
        self.last.list()
    }

    pub(super) fn dead_letter_stats(&self) -> DeadLetterStats {
        self.dead_letters.stats()
    }

    /// Why the last dead letter was not delivered, in a line; none if it was.
    pub(super) fn dead_letter_note(&self) -> Option<String> {
        self.dead_letters.note()
    }

    /// Waits a moment until brokers have taken the dead letters that are queued.
    pub(super) fn flush(&self) {
        self.dead_letters.flush();
    }
}

#[derive(Debug)]
struct LastRejections {
    capacity: usize,
    last: Mutex<VecDeque<ListedRejection>>,
}

impl LastRejections {
    fn new(capacity: usize) -> Self {
        Self { capacity, last: Mutex::new(VecDeque::with_capacity(capacity)) }
    }

    fn push(&self, rejection: Rejection) {
        let mut last = self.last.lock();
        let number = last.back().map_or(1, |newest| newest.number + 1);
        if last.len() >= self.capacity {
            last.pop_front();
        }
        if self.capacity > 0 {
            last.push_back(ListedRejection { number, rejection });
        }
    }

    fn list(&self) -> Vec<ListedRejection> {
        self.last.lock().iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Reject, Timestamp};

    fn kept(capacity: usize) -> Vec<(u64, i64)> {
        let rejections = LastRejections::new(capacity);
        for offset in 0..5 {
            rejections.push(Rejection {
                table: "t".into(),
                topic: "t".into(),
                partition: 0,
                offset,
                record_time: Timestamp::from_millis(0),
                reject_time: Timestamp::from_millis(0),
                reason: Reject::InvalidJson,
            });
        }
        let listed = rejections.list();
        listed.iter().map(|listed| (listed.number, listed.rejection.offset)).collect()
    }

    #[test]
    fn the_last_are_kept_and_no_more() {
        assert_eq!(kept(3), [(5, 4), (4, 3), (3, 2)]);
        assert_eq!(kept(1), [(5, 4)], "numbers go on");
        assert!(kept(0).is_empty());
    }
}
