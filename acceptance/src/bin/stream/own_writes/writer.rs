//! One writer: it replaces keys that all writers share, and looks each one up right after writing.

use std::sync::Arc;
use std::time::Instant;

use super::acknowledged::Acknowledged;
use super::tally::Tally;
use crate::asking::{Client, Found, channel, get};

/// One write in this many is looked up without naming its place.
const PLAIN_EVERY: u64 = 5;

/// The state that the writers share.
pub(crate) struct Scene {
    pub(crate) rpc: String,
    pub(crate) topic: String,
    pub(crate) keys: u64,
    pub(crate) acknowledged: Acknowledged,
}

pub(crate) struct Writer {
    scene: Arc<Scene>,
    number: u64,
    client: Client,
    tally: Tally,
}

impl Writer {
    /// Creates a writer with its own connection.
    pub(crate) fn new(scene: Arc<Scene>, number: u64) -> anyhow::Result<Self> {
        let client = Client::new(channel(&scene.rpc)?);
        Ok(Self { scene, number, client, tally: Tally::default() })
    }

    /// Writes until this many writes were looked up by their place.
    pub(crate) async fn run(mut self, writes: u64) -> anyhow::Result<Tally> {
        // The first call connects, so it is not measured.
        let _ = get(&mut self.client, "own-0", None).await;
        for count in 0..writes * PLAIN_EVERY / (PLAIN_EVERY - 1) {
            self.write(count).await?;
        }
        Ok(self.tally)
    }

    /// Writers share keys, so an answer may be the newer record of another writer.
    async fn write(&mut self, count: u64) -> anyhow::Result<()> {
        let key = format!("own-{}", (self.number + count) % self.scene.keys);
        let value = format!("{count} by {}", self.number);
        let document = format!(r#"{{"id":"{key}","description":"{value}"}}"#);
        let Scene { topic, acknowledged, .. } = &*self.scene;
        let (place, took) = acknowledged.write(topic, &key, &document).await?;
        self.tally.acknowledged(Found { place, value }, took);

        let is_plain = count % PLAIN_EVERY == PLAIN_EVERY - 1;
        let start = Instant::now();
        let answer = get(&mut self.client, &key, (!is_plain).then_some(place)).await;
        let took = start.elapsed();
        let answer = answer.map(|(answer, _)| answer);
        if is_plain {
            self.tally.plain(place, answer, took);
        } else {
            self.tally.by_place(place, answer, took);
        }
        Ok(())
    }
}
