//! Copies of the entries that this process asks for, kept fresh by a watch.
//!
//! ```text
//! get -> copies -> (not there) -> Get of the service -> copies
//!           ^-- changes of the table -- Watch
//! ```
//!
//! What the copies are, and how old they may be, is in `near_cache/copies.rs`.

mod answer;
mod copies;
mod options;
mod positions;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::AbortHandle;
use tokio::time::sleep;
use tonic::Status;

use crate::v1::{Freshness, GetRequest, WatchRequest};
use crate::{Client, Watch};
pub use answer::{NearAnswer, NearCacheStats};
use copies::{Copies, Fetch, lock};
pub use options::NearCacheOptions;

/// After a watch failed for good, it is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// Copies of entries of one table, in this process.
///
/// It holds what was asked for: entries, and misses too. A watch keeps all of it as the service has it,
/// so an answer from here is as good as one of the service, and some staleness older. It costs the
/// service one watch, and one `Get` for each key that is not here.
#[derive(Debug)]
pub struct NearCache {
    client: Client,
    options: NearCacheOptions,
    copies: Arc<Mutex<Copies>>,
    /// The task that reads the watch.
    follower: AbortHandle,
}

impl NearCache {
    /// Begins to watch the table. Nothing is held before the first lookups.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If the table cannot be watched: the options are wrong, or the service does not answer.
    pub async fn open(client: &Client, options: NearCacheOptions) -> Result<Self, Status> {
        let mut watch = client.watch(WatchRequest {
            table: options.table.clone(),
            prefix: options.prefix.clone(),
            fields: options.fields.clone(),
            progress_interval: options.progress_interval.try_into().ok(),
            ..WatchRequest::default()
        });
        let copies = Arc::new(Mutex::new(Copies::new(options.max_bytes)));
        receive(&mut watch, &copies).await?;
        let follower = tokio::spawn(follow(watch, Arc::clone(&copies))).abort_handle();
        Ok(Self { client: client.clone(), options, copies, follower })
    }

    /// Looks up a key: here, and if it is not here or too stale, at the service.
    ///
    /// # Errors
    /// If the service has to be asked and cannot answer: see [`Client::get`]; or if the key does not
    /// begin with the prefix.
    pub async fn get(&self, key: &str) -> Result<NearAnswer, Status> {
        if !key.starts_with(&self.options.prefix) {
            let prefix = &self.options.prefix;
            return Err(Status::invalid_argument(format!(
                "the key does not begin with {prefix:?}, and changes of others are not watched"
            )));
        }
        let (now, max) = (Instant::now(), self.options.max_staleness);
        if let Some(near) = lock(&self.copies).find(key, now, SystemTime::now(), max) {
            return Ok(near);
        }
        self.fetch(key, now).await
    }

    /// What is held, and how often it served.
    pub fn stats(&self) -> NearCacheStats {
        lock(&self.copies).stats(Instant::now())
    }

    /// Why the watch does not go on, if several attempts have failed. It is tried again all the time.
    pub fn fault(&self) -> Option<Status> {
        lock(&self.copies).fault()
    }

    async fn fetch(&self, key: &str, asked: Instant) -> Result<NearAnswer, Status> {
        let fetch = Fetch::begin(&self.copies, key);
        let freshness = Freshness {
            max_staleness: self.options.max_staleness.and_then(|max| max.try_into().ok()),
            min_positions: fetch.min_positions().to_vec(),
            ..Freshness::default()
        };
        let (table, fields) = (self.options.table.clone(), self.options.fields.clone());
        let freshness = Some(freshness);
        let request = GetRequest { table, key: key.to_owned(), freshness, fields };
        fetch.end(self.client.get(request).await?, asked)
    }
}

impl Drop for NearCache {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Applies the changes of a watch, whatever happens to the service.
async fn follow(mut watch: Watch, copies: Arc<Mutex<Copies>>) {
    loop {
        // Meanwhile the copies get older, and say so.
        if let Err(status) = receive(&mut watch, &copies).await {
            lock(&copies).note_fault(status);
            sleep(PAUSE).await;
        }
    }
}

async fn receive(watch: &mut Watch, copies: &Mutex<Copies>) -> Result<(), Status> {
    let response = watch.next().await?;
    let asked = watch.asked_at();
    let mut copies = lock(copies);
    copies.clear_fault();
    for event in response.events.into_iter().filter_map(|event| event.event) {
        copies.apply(event, asked);
    }
    Ok(())
}
