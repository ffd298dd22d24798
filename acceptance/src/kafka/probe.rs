//! Waits until a broker serves.
//!
//! Owns what "serves" means: the broker lists itself in the metadata, so topics can be made. It
//! must not know how the broker was started.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

/// How long one question waits; between two of them the node's process is looked at.
const ONE_QUESTION: Duration = Duration::from_millis(250);

/// Returns once the broker at `bootstrap` (`host:port`) serves. Fails after `patience`, or as
/// soon as `still_possible` fails, which is asked again and again meanwhile.
pub(super) fn wait_until_ready(
    bootstrap: &str,
    patience: Duration,
    mut still_possible: impl FnMut() -> Result<()>,
) -> Result<()> {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("reconnect.backoff.max.ms", "200")
        .create()?;
    let start = Instant::now();
    loop {
        // A broker that has started and is not yet let in lists no broker.
        let metadata = client.fetch_metadata(None, ONE_QUESTION);
        if metadata.is_ok_and(|metadata| !metadata.brokers().is_empty()) {
            return Ok(());
        }
        still_possible()?;
        ensure!(start.elapsed() < patience, "no broker answers at {bootstrap} after {patience:?}");
    }
}
