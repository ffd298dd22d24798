//! The end of the service: what is waited for, how long, and what the log says of the rest.
//!
//! It knows the server and the consumers by what they return when they end.

use std::thread;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::ingest::Ingest;
use crate::rpc::{Net, UnfinishedCall};

/// Calls that the log names when the shutdown deadline is over.
const MAX_NAMED: usize = 10;

/// Waits for `until`, and fails if the server ends before.
pub(super) async fn while_served(
    rpc: &mut JoinHandle<anyhow::Result<()>>,
    until: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    tokio::select! {
        () = until => Ok(()),
        ended = rpc => {
            ended??;
            anyhow::bail!("the gRPC server ended by itself");
        }
    }
}

/// Whether the server and the consumers ended in time.
pub(super) async fn drain(
    rpc: JoinHandle<anyhow::Result<()>>,
    consumers: oneshot::Receiver<()>,
    end: Instant,
    net: &Net,
) -> anyhow::Result<bool> {
    let drained = timeout_at(end, async { tokio::join!(rpc, consumers) });
    let Ok((served, closed)) = drained.await else {
        log_unfinished(net);
        return Ok(false);
    };
    served??;
    if closed.is_ok() {
        tracing::info!("drained");
    } else {
        tracing::warn!("nobody waited for the consumers to be closed, leaving without that");
    }
    Ok(closed.is_ok())
}

/// Names the calls that did not finish, those first that began first.
fn log_unfinished(net: &Net) {
    let calls = net.unfinished_calls();
    for UnfinishedCall { method, request_id, peer, age } in calls.iter().take(MAX_NAMED) {
        let age_seconds = age.as_secs_f64();
        tracing::warn!(method, %request_id, %peer, age_seconds, "a call did not finish");
    }
    let open_connections = net.stats().open_connections;
    tracing::warn!(
        unfinished_calls = calls.len(),
        open_connections,
        "the shutdown deadline is over, leaving without the rest"
    );
}

/// Stops ingest on a thread of its own. The answer comes when it has stopped, and is an error if
/// the system gives no thread: the ingest threads are then asked to end, and nobody waits for them.
pub(super) fn stop_beside(ingest: Ingest) -> oneshot::Receiver<()> {
    let (stopped, answer) = oneshot::channel();
    let stopping = thread::Builder::new().name("stop-ingest".into()).spawn(move || {
        ingest.stop();
        let _ = stopped.send(());
    });
    if let Err(error) = stopping {
        tracing::warn!(%error, "no thread to close the consumers on");
    }
    answer
}

pub(super) async fn until_true(mut value: watch::Receiver<bool>) {
    // An error means that the sender was dropped, and with it the service.
    let _ = value.wait_for(|value| *value).await;
}
