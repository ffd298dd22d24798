//! The snapshots of a service as they come: the stream that `top` and `stats --watch` show.
//!
//! What is shown of them is not known here.

use std::time::Duration;

use millpond_client::Client;
use tokio::time::timeout;
use tonic::{Code, Request, Status, Streaming};

use super::failure::{Exit, Failure};
use crate::proto::v1::{GetStatsResponse, WatchStatsRequest, WatchStatsResponse};

/// An open stream of snapshots.
pub(super) struct Watching {
    stream: Streaming<WatchStatsResponse>,
    /// A service that is silent for longer is taken for lost.
    patience: Duration,
}

impl Watching {
    /// Begins to watch, with a snapshot at each `interval`. A service that is silent for that time
    /// and `timeout` is taken for lost.
    pub(super) async fn open(
        client: &Client,
        interval: Duration,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let interval_sent = interval.try_into().unwrap_or_default();
        let request = WatchStatsRequest { interval: Some(interval_sent) };
        // Without a deadline: it goes on until somebody has seen enough.
        let opened = client.stats().watch_stats(Request::new(request)).await;
        let stream = opened.map_err(|status| match status.code() {
            Code::Unimplemented => Failure::new(
                Exit::Usage,
                "the service is older than this command and cannot be watched; `millpond stats` \
                 asks it once",
            ),
            _ => status.into(),
        })?;
        Ok(Self { stream: stream.into_inner(), patience: interval + timeout })
    }

    /// The next snapshot.
    pub(super) async fn next(&mut self) -> Result<GetStatsResponse, Failure> {
        let next = timeout(self.patience, self.stream.message()).await;
        let silent = || Status::unavailable("the service says nothing any more");
        let message = next.map_err(|_| silent())??;
        let ended = || Status::unavailable("the service ended the stream");
        let snapshot = message.ok_or_else(ended)?.snapshot;
        Ok(snapshot.unwrap_or_default())
    }
}
