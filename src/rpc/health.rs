//! Publishes the states of the service over `grpc.health.v1`.
//!
//! The empty name and the names of our services are SERVING when all tables are *ready*,
//! `millpond.table/NAME` when that table is, and `millpond.live` when the process is *live*. No
//! other name is known. How the states come about is not known here.

use std::sync::Arc;
use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthService, HealthServer};
use tonic_health::server::{HealthReporter, health_reporter};

use crate::health::Health;

const READY_NAMES: [&str; 4] =
    ["", "millpond.v1.LookupService", "millpond.v1.MaintenanceService", "millpond.v1.StatsService"];
const TABLE_PREFIX: &str = "millpond.table/";
const LIVE_NAME: &str = "millpond.live";
/// A change of *ready* is published at once, a change of *live* within this time.
const LIVE_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct HealthPublisher {
    health: Arc<Health>,
    reporter: HealthReporter,
}

impl HealthPublisher {
    /// A publisher that has published the present states, and the service that answers them.
    pub(super) async fn new(health: Arc<Health>) -> (Self, HealthServer<impl HealthService>) {
        let (reporter, service) = health_reporter();
        let publisher = Self { health, reporter };
        publisher.publish().await;
        (publisher, service)
    }

    /// Publishes each change until `shutdown`, and then that nothing is ready any more.
    pub(super) async fn run(mut self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.publish_changes() => {}
        }
        for (name, _) in self.ready_states() {
            self.reporter.set_service_status(&name, ServingStatus::NotServing).await;
            self.end_watches(&name, ServingStatus::NotServing).await;
        }
        self.end_watches(LIVE_NAME, ServingStatus::Serving).await;
    }

    async fn publish_changes(&self) {
        let mut ready = self.health.watch_ready();
        loop {
            self.publish().await;
            tokio::select! {
                _ = ready.changed() => {}
                () = tokio::time::sleep(LIVE_INTERVAL) => {}
            }
        }
    }

    async fn publish(&self) {
        for (name, is_ready) in self.ready_states() {
            self.reporter.set_service_status(name, status(is_ready)).await;
        }
        self.reporter.set_service_status(LIVE_NAME, status(self.health.is_live())).await;
    }

    /// Ends the calls that watch a name, since an open watch would keep the server from stopping.
    /// Calls that check the name get its last status.
    async fn end_watches(&mut self, name: &str, last: ServingStatus) {
        self.reporter.clear_service_status(name).await;
        self.reporter.set_service_status(name, last).await;
    }

    /// Every name that stands for *ready*, and whether it is.
    fn ready_states(&self) -> Vec<(String, bool)> {
        let is_ready = self.health.is_ready();
        let overall = READY_NAMES.map(|name| (name.to_owned(), is_ready));
        let tables = self.health.tables();
        let tables =
            tables.map(|table| (format!("{TABLE_PREFIX}{}", table.name()), table.is_ready()));
        overall.into_iter().chain(tables).collect()
    }
}

fn status(serving: bool) -> ServingStatus {
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}
