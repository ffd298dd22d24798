//! Makes an empty topic on a real broker.

use std::time::Duration;

use anyhow::{Context, anyhow};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

const PATIENCE: Duration = Duration::from_secs(60);

/// With these settings of a topic over the broker's defaults.
pub(crate) fn create(
    broker: &str,
    name: &str,
    partitions: i32,
    settings: &[(&str, &str)],
) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", broker).create()?;
    let mut request = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    request.config.extend_from_slice(settings);
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    let requests = [&request];
    let answer = admin.create_topics(requests, &options);
    let made = tokio::runtime::Runtime::new()?.block_on(answer)?;
    let made = made.into_iter().next().context("no answer")?;
    made.map(drop).map_err(|(topic, error)| anyhow!("cannot make {topic}: {error}"))
}
