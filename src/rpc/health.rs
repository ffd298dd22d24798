//! Tells the service's states over `grpc.health.v1`.
//!
//! The empty name and the services' mean *ready*, `millpond.table/NAME` that this table is;
//! `millpond.live` means *live*. No other name is known.

use std::sync::Arc;
use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthService, HealthServer};
use tonic_health::server::{HealthReporter, health_reporter};

use crate::health::Health;

const READY_NAMES: [&str; 3] = ["", "millpond.v1.LookupService", "millpond.v1.StatsService"];
const TABLE_PREFIX: &str = "millpond.table/";
const LIVE_NAME: &str = "millpond.live";
const LIVE_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct HealthTeller {
    health: Arc<Health>,
    reporter: HealthReporter,
}

impl HealthTeller {
    pub(super) async fn new(health: Arc<Health>) -> (Self, HealthServer<impl HealthService>) {
        let (reporter, service) = health_reporter();
        let teller = Self { health, reporter };
        teller.tell().await;
        (teller, service)
    }

    /// Tells each change of state until `shutdown`, then that nothing is served.
    pub(super) async fn tell_until(mut self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.tell_changes() => {}
        }
        for (name, _) in self.states() {
            self.reporter.set_service_status(&name, ServingStatus::NotServing).await;
            // Ends the calls that watch it; they would hold the server up for good.
            self.reporter.clear_service_status(&name).await;
            self.reporter.set_service_status(&name, ServingStatus::NotServing).await;
        }
        self.reporter.clear_service_status(LIVE_NAME).await;
        self.reporter.set_service_status(LIVE_NAME, ServingStatus::Serving).await;
    }

    async fn tell_changes(&self) {
        let mut ready = self.health.watch_ready();
        loop {
            self.tell().await;
            tokio::select! {
                _ = ready.changed() => {}
                () = tokio::time::sleep(LIVE_INTERVAL) => {}
            }
        }
    }

    async fn tell(&self) {
        for (name, is_ready) in self.states() {
            self.reporter.set_service_status(name, status(is_ready)).await;
        }
        self.reporter.set_service_status(LIVE_NAME, status(self.health.is_live())).await;
    }

    /// Every name that tells whether something is ready, and whether it is.
    fn states(&self) -> Vec<(String, bool)> {
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
