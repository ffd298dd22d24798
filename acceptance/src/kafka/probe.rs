//! Waits until a broker serves.
//!
//! A broker serves once it lists itself in the metadata, so that topics can be created. Knows
//! nothing of how the broker was started.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

/// The timeout of one metadata request. `still_possible` is checked between requests.
const ONE_QUESTION: Duration = Duration::from_millis(250);

/// Returns once the broker at `bootstrap` (`host:port`) serves. Fails after `patience`, or as soon
/// as `still_possible` fails.
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
        // A broker that has started but is not registered yet lists no broker.
        let metadata = client.fetch_metadata(None, ONE_QUESTION);
        if metadata.is_ok_and(|metadata| !metadata.brokers().is_empty()) {
            return Ok(());
        }
        still_possible()?;
        ensure!(start.elapsed() < patience, "no broker answers at {bootstrap} after {patience:?}");
    }
}
