//! Samples of what the service reports throughout: its health, the staleness of answers, and
//! whether it has handled all acknowledged records.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use millpond_client::health::HealthCheckRequest;
use millpond_client::health::health_check_response::ServingStatus;
use millpond_client::health::health_client::HealthClient;
use millpond_client::v1::stats_service_client::StatsServiceClient;
use millpond_client::v1::{GetStatsRequest, GetStatsResponse};
use tokio::time::{interval, timeout};
use tonic::transport::Channel;

use super::course::{Course, Phase};
use crate::asking::{Client, SLOWEST_CALL, TABLE, channel, get};
use crate::numbered::key;

const LOOK: Duration = Duration::from_millis(100);
/// millpond learns the ends of partitions about once a second, as of a moment before.
pub(crate) const FRESH: Duration = Duration::from_secs(3);

/// One sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) phase: Phase,
    /// Whether both the service and its table were ready.
    pub(crate) is_ready: bool,
    pub(crate) staleness: Duration,
    /// The number of acknowledged records, and how many of them were not handled.
    pub(crate) taken: i64,
    pub(crate) lag: i64,
}

/// Takes samples until the end. A sample that fails ends the run, because nothing excuses that.
pub(crate) async fn watch(course: Arc<Course>) -> anyhow::Result<Vec<Sample>> {
    let (channel, mut samples) = (channel(&course.rpc)?, Vec::new());
    let (mut tick, mut taken_before) = (interval(LOOK), 0);
    while !course.is_over() {
        tick.tick().await;
        let looked = timeout(SLOWEST_CALL, look(&channel, &course)).await;
        let sample = looked.context("no answer in time").flatten().context("a look failed")?;
        match sample.phase {
            Phase::After if sample.is_well_again(taken_before) => course.well.ask(),
            Phase::After => {}
            _ => taken_before = sample.taken,
        }
        samples.push(sample);
    }
    Ok(samples)
}

impl Sample {
    /// Whether it has handled more than the first `before` acknowledged records, and knows it.
    pub(crate) fn is_well_again(&self, before: i64) -> bool {
        self.has_all_since(before) && self.staleness < FRESH
    }

    pub(crate) fn has_all_since(&self, before: i64) -> bool {
        self.taken > before && self.lag == 0
    }
}

async fn look(channel: &Channel, course: &Course) -> anyhow::Result<Sample> {
    let (at, phase) = (Instant::now(), course.phase());
    let table = format!("millpond.table/{TABLE}");
    let is_ready = is_serving(channel, "").await? && is_serving(channel, &table).await?;
    let (_, as_of) = get(&mut Client::new(channel.clone()), &key(0), None).await?;
    let staleness = as_of.staleness.context("no staleness")?.try_into()?;
    // Read before the positions: a record acknowledged in between is no lag.
    let load = |end: &AtomicI64| end.load(Ordering::Relaxed);
    let ends: Vec<_> = course.delivered.ends.iter().map(load).collect();
    let mut client = StatsServiceClient::new(channel.clone());
    let stats = client.get_stats(GetStatsRequest {}).await?.into_inner();
    let lag = (0..).zip(&ends).map(|(id, &end)| (end - position(&stats, id)).max(0)).sum();
    Ok(Sample { at, phase, is_ready, staleness, taken: ends.iter().sum(), lag })
}

async fn is_serving(channel: &Channel, service: &str) -> anyhow::Result<bool> {
    let request = HealthCheckRequest { service: service.into() };
    let answer = HealthClient::new(channel.clone()).check(request).await?.into_inner();
    Ok(answer.status() == ServingStatus::Serving)
}

fn position(stats: &GetStatsResponse, id: i32) -> i64 {
    let found = stats.partitions.iter().find(|partition| partition.partition == id);
    found.map_or(0, |partition| partition.position)
}
