//! Whether the stream makes progress while there are records to read.
//!
//! The broker's acknowledgements say what there is to read, and not millpond's lag: a service that
//! no longer hears from the broker would see no lag.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use millpond_acceptance::caller::polled;
use millpond_client::v1::stats_service_client::StatsServiceClient;
use millpond_client::v1::{GetStatsRequest, GetStatsResponse};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::transport::{Channel, Endpoint};

use crate::lookups::{Asked, SLOWEST_CALL, shown};

const LOOK: Duration = Duration::from_secs(1);

/// The findings from the statistics, which are read once a second.
#[derive(Debug)]
pub(crate) struct Progress {
    partitions: Vec<Partition>,
    since: Instant,
    /// The longest time without progress although there were records to read.
    pub(crate) worst_pause: Duration,
    /// The same for a single partition, and which one.
    pub(crate) worst_of_one: (Duration, usize),
    pub(crate) lag: i64,
    pub(crate) last: GetStatsResponse,
    /// Calls for statistics that failed.
    pub(crate) failures: Vec<String>,
}

#[derive(Debug, Clone)]
struct Partition {
    position: i64,
    since: Instant,
}

/// Reads the statistics until the signal to stop.
pub(crate) async fn follow(asked: Arc<Asked>) -> anyhow::Result<Progress> {
    let endpoint = Endpoint::from_shared(format!("http://{}", asked.rpc))?;
    let mut client = StatsServiceClient::new(endpoint.connect_lazy());
    let mut progress = Progress::new(asked.delivered.ends.len());
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !asked.stop.load(Ordering::Relaxed) {
        tick.tick().await;
        match stats(&mut client).await {
            Ok(stats) => progress.look(stats, &asked),
            Err(error) => progress.failures.push(shown(&error)),
        }
    }
    Ok(progress)
}

async fn stats(client: &mut StatsServiceClient<Channel>) -> anyhow::Result<GetStatsResponse> {
    let answer = timeout(SLOWEST_CALL, client.get_stats(GetStatsRequest {})).await;
    Ok(answer.context("no statistics in time")??.into_inner())
}

impl Progress {
    fn new(partitions: usize) -> Self {
        let since = Instant::now();
        Self {
            partitions: vec![Partition { position: 0, since }; partitions],
            since,
            worst_pause: Duration::ZERO,
            worst_of_one: (Duration::ZERO, 0),
            lag: 0,
            last: GetStatsResponse::default(),
            failures: Vec::new(),
        }
    }

    /// The number of records handled, over all partitions.
    pub(crate) fn polled(&self) -> u64 {
        polled(&self.last)
    }

    fn look(&mut self, stats: GetStatsResponse, asked: &Asked) {
        let now = Instant::now();
        self.last = stats;
        asked.polled.store(self.polled(), Ordering::Relaxed);
        let before: i64 = self.partitions.iter().map(|partition| partition.position).sum();
        self.lag = 0;
        for (number, end) in asked.delivered.ends.iter().enumerate() {
            self.look_at(number, end, now);
        }
        let after: i64 = self.partitions.iter().map(|partition| partition.position).sum();
        self.worst_pause = self.worst_pause.max(now - self.since);
        if after != before || self.lag == 0 {
            self.since = now;
        }
    }

    fn look_at(&mut self, number: usize, end: &AtomicI64, now: Instant) {
        let mut all = self.last.partitions.iter();
        let told = all.find(|told| usize::try_from(told.partition) == Ok(number));
        let position = told.map_or(0, |told| told.position.max(0));
        // millpond may handle a record before the producer gets its acknowledgement.
        let lag = (end.load(Ordering::Relaxed) - position).max(0);
        self.lag += lag;
        let Some(partition) = self.partitions.get_mut(number) else { return };
        self.worst_of_one = self.worst_of_one.max((now - partition.since, number));
        if position != partition.position || lag == 0 {
            *partition = Partition { position, since: now };
        }
    }
}
