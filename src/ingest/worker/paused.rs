//! What a thread does while its partitions are paused: asks where they end. Nothing is fetched
//! from them, and fetches are what tells it otherwise.

use std::time::Instant;

use rdkafka::consumer::Consumer;

use super::{POLL_TIMEOUT, Worker};
use crate::ingest::consumer::Client;

impl Worker {
    /// Asks for the end of one partition, of another with each turn.
    pub(super) fn ask_for_an_end(&mut self, client: &Client) {
        let Ok(assigned) = client.assignment() else { return };
        let partitions = assigned.elements();
        self.ends_asked = self.ends_asked.wrapping_add(1);
        let Some(index) = self.ends_asked.checked_rem(partitions.len()) else { return };
        let (topic, partition) = (partitions[index].topic(), partitions[index].partition());
        let asked = Instant::now();
        // A broker that does not answer is asked again when its turn comes.
        let Ok((_, end)) = client.fetch_watermarks(topic, partition, POLL_TIMEOUT) else { return };
        if let Some(topic) = self.reading.iter().find(|each| each.share.topic == topic) {
            topic.share.is_told(partition, end, asked);
        }
    }
}
