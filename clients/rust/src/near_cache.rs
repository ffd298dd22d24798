//! Copies of the entries that this process asks for, kept fresh by a watch.
//!
//! ```text
//! get -> copies -> (not there) -> Get of the process that is watched -> copies
//!           ^-- changes of the table -- Watch
//! ```
//!
//! Both calls go over a connection of their own to one process, as what another process says may differ
//! from what is watched. When the connection is lost, all begins anew with the next process.
//!
//! What the copies are, and how old they may be, is in `near_cache/copies.rs`.

mod answer;
mod copies;
mod options;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::AbortHandle;
use tokio::time::sleep;
use tonic::Status;

use crate::retry::is_lost;
use crate::v1::{Freshness, GetRequest, WatchRequest};
use crate::{Client, Watch};
pub use answer::{NearAnswer, NearCacheStats};
use copies::{Copies, Fetch, answer, lock};
pub use options::NearCacheOptions;

/// After a watch ended, the next one begins after this, and after up to twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Copies of entries of one table, in this process.
///
/// It holds what was asked for: entries, and misses too. A watch keeps all of it as the service has it,
/// so an answer from here is as good as one of the service, and somewhat older. It costs the
/// service one watch, and one `Get` for each lookup of a key that is not here.
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
        let pinned = client.pin().await?;
        let mut watch = pinned.watch(WatchRequest {
            table: options.table.clone(),
            prefix: options.prefix.clone(),
            fields: options.fields.clone(),
            progress_interval: options.progress_interval.try_into().ok(),
            ..WatchRequest::default()
        });
        let copies = Arc::new(Mutex::new(Copies::new(options.max_bytes)));
        receive(&mut watch, &pinned, &copies).await?;
        let following = follow(client.clone(), pinned, watch, Arc::clone(&copies));
        let follower = tokio::spawn(following).abort_handle();
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

    /// Why nothing is watched at this moment, if that is so. It is tried again all the time.
    pub fn fault(&self) -> Option<Status> {
        lock(&self.copies).fault()
    }

    async fn fetch(&self, key: &str, asked: Instant) -> Result<NearAnswer, Status> {
        let fetch = Fetch::begin(&self.copies, key);
        let max_staleness = self.options.max_staleness.and_then(|max| max.try_into().ok());
        let freshness = Some(Freshness { max_staleness, ..Freshness::default() });
        let (table, fields) = (self.options.table.clone(), self.options.fields.clone());
        let request = GetRequest { table, key: key.to_owned(), freshness, fields };
        if let Some(watched) = fetch.watched() {
            match watched.lookup().get(watched.request(request.clone())).await {
                Ok(response) => return fetch.end(response.into_inner(), asked),
                // Another process may answer, of which no watch tells.
                Err(status) if is_lost(&status) => {}
                Err(status) => return Err(status),
            }
        }
        answer(self.client.get(request).await?, asked)
    }
}

impl Drop for NearCache {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Applies the changes of a watch, whatever happens to the service.
async fn follow(client: Client, mut pinned: Client, mut watch: Watch, copies: Arc<Mutex<Copies>>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match receive(&mut watch, &pinned, &copies).await {
            Ok(()) => pause = FIRST_PAUSE,
            // From here on the copies get older, and say so.
            Err(status) => {
                lock(&copies).end_watch(status);
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                match client.pin().await {
                    Ok(again) => {
                        watch.set_client(again.clone());
                        pinned = again;
                    }
                    Err(status) => lock(&copies).end_watch(status),
                }
            }
        }
    }
}

/// Applies the next events of a watch, which goes by this client.
async fn receive(watch: &mut Watch, pinned: &Client, copies: &Mutex<Copies>) -> Result<(), Status> {
    let response = watch.receive().await?;
    let asked = watch.asked_at();
    let mut copies = lock(copies);
    copies.go_on(pinned);
    for event in response.events.into_iter().filter_map(|event| event.event) {
        copies.apply(event, asked);
    }
    Ok(())
}
