//! One writer: it writes over the keys that all write over, and asks for each write at once.

use std::sync::Arc;
use std::time::Instant;

use super::acknowledged::Acknowledged;
use super::tally::Tally;
use crate::asking::{Client, Found, channel, get};

/// One in so many writes is asked for plainly.
const PLAIN_EVERY: u64 = 5;

/// What the writers share.
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
    /// With a connection of its own.
    pub(crate) fn new(scene: Arc<Scene>, number: u64) -> anyhow::Result<Self> {
        let client = Client::new(channel(&scene.rpc)?);
        Ok(Self { scene, number, client, tally: Tally::default() })
    }

    /// Writes until so many writes were asked for by their place.
    pub(crate) async fn run(mut self, writes: u64) -> anyhow::Result<Tally> {
        // Not to be measured: it connects.
        let _ = get(&mut self.client, "own-0", None).await;
        for count in 0..writes * PLAIN_EVERY / (PLAIN_EVERY - 1) {
            self.write(count).await?;
        }
        Ok(self.tally)
    }

    /// Keys are shared, so that what is answered may be another's, if it is newer.
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
