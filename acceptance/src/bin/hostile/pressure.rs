//! Whether the service took entries out of its table because memory was short.
//!
//! Owns a connection of its own, which it keeps, so that a service whose connections are taken can
//! still be asked.

use std::time::Duration;

use anyhow::{Context, ensure};
use millpond_client::v1::stats_service_client::StatsServiceClient;
use millpond_client::v1::{GetStatsRequest, GetStatsResponse, PressureStage};
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::{Channel, Endpoint};

const SLOWEST_CALL: Duration = Duration::from_secs(10);
const READY_PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(100);

/// The counters that grow when memory is short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pressure {
    /// How often the stages were entered in which entries are evicted.
    pub(crate) entered: i64,
    /// How many tables may weigh less than their capacity.
    pub(crate) lowered: usize,
    /// Entries that were evicted for it.
    pub(crate) evicted: i64,
}

/// A connection for statistics.
pub(crate) struct Statistics(StatsServiceClient<Channel>);

impl Statistics {
    pub(crate) fn connect(rpc: std::net::SocketAddr) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{rpc}"))?;
        Ok(Self(StatsServiceClient::new(endpoint.connect_lazy())))
    }

    pub(crate) async fn read(&mut self) -> anyhow::Result<GetStatsResponse> {
        let answer = timeout(SLOWEST_CALL, self.0.get_stats(GetStatsRequest::default())).await;
        Ok(answer.context("no statistics in time")??.into_inner())
    }

    /// Waits until the service has caught up with its stream.
    pub(crate) async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while !self.read().await?.ready {
            ensure!(start.elapsed() < READY_PATIENCE, "not ready after {READY_PATIENCE:?}");
            sleep(LOOK).await;
        }
        Ok(())
    }
}

impl Pressure {
    pub(crate) fn of(stats: &GetStatsResponse) -> Self {
        let stages = stats.memory.iter().flat_map(|memory| &memory.pressure);
        let entered = stages.flat_map(|pressure| &pressure.entered);
        let hard = [PressureStage::Evicting, PressureStage::Paused];
        let hard = entered.filter(|count| hard.contains(&count.stage()));
        let removals = stats.tables.iter().flat_map(|table| &table.removals);
        let evicted = removals.filter(|count| count.cause().as_str_name().contains("PRESSURE"));
        let lowered = stats.tables.iter().filter(|table| table.limit_bytes < table.capacity_bytes);
        Self {
            entered: hard.map(|count| count.count).sum(),
            lowered: lowered.count(),
            evicted: evicted.map(|count| count.count).sum(),
        }
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// What came since `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            entered: self.entered - before.entered,
            lowered: self.lowered,
            evicted: self.evicted - before.evicted,
        }
    }
}
