//! Creates topics on a real broker, and adds partitions to them.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

/// For a broker on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Creates an empty topic. `settings` such as `("retention.ms", "1000")` override the broker's
/// defaults.
pub async fn create(
    bootstrap: &str,
    name: &str,
    partitions: i32,
    settings: &[(&str, &str)],
) -> Result<()> {
    let mut request = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    request.config.extend_from_slice(settings);
    let made = admin(bootstrap)?.create_topics([&request], &options()).await?;
    let made = made.into_iter().next().context("no answer")?;
    made.map(drop).map_err(|(topic, error)| anyhow!("cannot make {topic}: {error}"))
}

/// The same, for callers without a runtime.
pub fn create_blocking(
    bootstrap: &str,
    name: &str,
    partitions: i32,
    settings: &[(&str, &str)],
) -> Result<()> {
    block_on(create(bootstrap, name, partitions, settings))
}

/// Adds partitions until there are this many.
pub async fn grow(bootstrap: &str, topic: &str, partitions: usize) -> Result<()> {
    let request = NewPartitions::new(topic, partitions);
    let made = admin(bootstrap)?.create_partitions([&request], &options()).await?;
    let made = made.into_iter().next().context("no answer")?;
    made.map(drop).map_err(|(topic, error)| anyhow!("cannot add partitions to {topic}: {error}"))
}

/// The same, for callers without a runtime.
pub fn grow_blocking(bootstrap: &str, topic: &str, partitions: usize) -> Result<()> {
    block_on(grow(bootstrap, topic, partitions))
}

pub(crate) fn admin(bootstrap: &str) -> Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", bootstrap).create()?)
}

pub(crate) fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE))
}

fn block_on<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Runtime::new()?.block_on(answer)
}
