//! Reading again what tables lost while memory was short.
//!
//! The stream still has what was evicted for pressure, and the tables have room for it again. So
//! its partitions go back to the oldest of it, and are read to their ends like at a start. Records
//! of which newer ones were handled are superseded, as at a start.

use std::time::{Duration, Instant};

use super::TopicReader;
use crate::ingest::client::Client;

/// How long a topic is not read again after it was. If what is read again makes memory short again,
/// the tables are too large for the limit, and reading on and on would not help.
const PAUSE: Duration = Duration::from_secs(600);

impl TopicReader {
    /// Reads again what the tables lost, if they lost anything and have room for it again.
    pub(in crate::ingest) fn reload_lost(&mut self, client: &mut Client, now: Instant) {
        if now < self.reload_at {
            return;
        }
        let lost = self.assignment.take_lost();
        if lost.is_empty() {
            return;
        }
        self.reload_at = now + PAUSE;
        let topic = self.assignment.topic();
        if let Err(error) = client.reassign(topic, &lost) {
            tracing::warn!(topic, %error, "what was evicted for pressure cannot be read again");
            return;
        }
        for (id, offset) in lost {
            let Some(partition) = self.assignment.assigned(id) else { continue };
            let position = partition.next_offset();
            partition.rewind(offset);
            tracing::info!(
                topic = self.assignment.topic(),
                partition = id,
                from = offset,
                to = position,
                "reading again what was evicted while memory was short"
            );
        }
    }
}
