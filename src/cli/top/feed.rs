//! Brings the snapshots, and connects again when the service is lost.
//!
//! A task of its own, so that a key never waits for the service. What is done with a snapshot is not
//! known here.

use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::sleep;

use crate::cli::client::ClientArgs;
use crate::cli::failure::Failure;
use crate::cli::watching::Watching;
use crate::proto::v1::GetStatsResponse;

/// The pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What came last.
#[derive(Debug)]
pub(super) enum Update {
    Snapshot(Box<GetStatsResponse>),
    /// The service is lost, for this reason, and is being looked for.
    Lost(String),
}

/// The updates of a service.
pub(super) struct Feed {
    endpoint: String,
    updates: Receiver<Update>,
}

impl Feed {
    /// Begins to watch. Returns the first snapshot too.
    ///
    /// # Errors
    ///
    /// If the first connection or the first snapshot fails: then an argument may be wrong.
    pub(super) async fn open(
        client: ClientArgs,
        interval: Duration,
    ) -> Result<(Self, Update), Failure> {
        let endpoint = client.endpoint().to_owned();
        let connected = client.connect().await?;
        let mut watching = Watching::open(&connected, interval, client.timeout()).await?;
        let first = watching.next().await?;
        // One, so that a terminal that is slow gets the newest ones and no old ones.
        let (sender, updates) = mpsc::channel(1);
        tokio::spawn(async move { run(&client, interval, watching, &sender).await });
        Ok((Self { endpoint, updates }, Update::Snapshot(Box::new(first))))
    }

    /// The address of the service.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The next update.
    pub(super) async fn next(&mut self) -> Update {
        // The task ends when nobody takes its updates, and else never.
        self.updates.recv().await.unwrap_or_else(|| Update::Lost("nobody watches".into()))
    }
}

/// Passes snapshots on until nobody takes them any more.
async fn run(
    client: &ClientArgs,
    interval: Duration,
    mut watching: Watching,
    updates: &Sender<Update>,
) {
    loop {
        let lost = pass_on(&mut watching, updates).await;
        let Some(mut reason) = lost else { return };
        let mut pause = FIRST_PAUSE;
        // A connection that was only too old is there again at once, and nothing is said of it.
        watching = loop {
            match open(client, interval).await {
                Ok(watching) => break watching,
                Err(failure) => failure.text().clone_into(&mut reason),
            }
            if updates.send(Update::Lost(reason.clone())).await.is_err() {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
    }
}

/// Passes snapshots on until the service is lost. Returns why it is, or none if nobody takes them.
async fn pass_on(watching: &mut Watching, updates: &Sender<Update>) -> Option<String> {
    loop {
        match watching.next().await {
            Ok(snapshot) => updates.send(Update::Snapshot(Box::new(snapshot))).await.ok()?,
            Err(failure) => return Some(failure.text().to_owned()),
        }
    }
}

async fn open(client: &ClientArgs, interval: Duration) -> Result<Watching, Failure> {
    let connected = client.connect_again().await?;
    Watching::open(&connected, interval, client.timeout()).await
}
