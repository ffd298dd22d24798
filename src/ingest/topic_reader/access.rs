//! Finding out whether the brokers give us the records of a topic: `read_access` decides, and this
//! file reassigns the partitions for a probe and reports the result.

use std::time::Instant;

use super::TopicReader;
use crate::ingest::client::Client;
use crate::ingest::shared::Shared;

impl TopicReader {
    /// Notes that a record was read, or an end seen.
    pub(super) fn grant_access(&mut self, shared: &Shared) {
        self.access.grant();
        shared.statuses.report_access(self.assignment.topic(), self.thread, true);
    }

    /// Finds out whether the topic may be read, after the client reported that some topic may not:
    /// reassigns its partitions, so that the client reports again if it is this topic.
    pub(in crate::ingest) fn probe_access(
        &mut self,
        client: &mut Client,
        now: Instant,
        denials: u64,
    ) {
        if !self.access.is_granted() || !self.has_partitions() {
            return;
        }
        if client.reassign(self.assignment.topic(), &self.assignment.positions()).is_ok() {
            self.assignment.restart();
            self.access.probe(now, denials);
        }
    }

    /// Ends a probe whose time is over.
    pub(in crate::ingest) fn end_probe(&mut self, now: Instant, denials: u64, shared: &Shared) {
        if let Some(is_granted) = self.access.end_probe(now, denials) {
            shared.statuses.report_access(self.assignment.topic(), self.thread, is_granted);
        }
    }

    pub(in crate::ingest) fn postpone_probe(&mut self, now: Instant) {
        self.access.postpone_probe(now);
    }
}
