//! Publishes the states of the service over `grpc.health.v1`.
//!
//! The empty name and the names of our services are SERVING when all tables are *ready*,
//! `millpond.table/NAME` when that table is, and `millpond.live` when the process is *live*. No
//! other name is known. How the states come about is not known here.

mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use crate::access::Caller;
use crate::health::{Health, TableHealth};
use crate::proto::health::health_check_response::ServingStatus;
use crate::proto::health::{HealthCheckResponse, HealthListResponse};
pub(super) use server::HealthServer;

const READY_NAMES: [&str; 4] =
    ["", "millpond.v1.LookupService", "millpond.v1.MaintenanceService", "millpond.v1.StatsService"];
const TABLE_PREFIX: &str = "millpond.table/";
const LIVE_NAME: &str = "millpond.live";
/// A change of *ready* is published at once, a change of *live* within this time.
const LIVE_INTERVAL: Duration = Duration::from_secs(1);
/// Most names in a list, as the health protocol has it.
const MAX_LISTED: usize = 100;

/// The status of every name. Shared by all that watch.
type States = Arc<BTreeMap<String, ServingStatus>>;

pub(super) struct HealthPublisher {
    health: Arc<Health>,
    states: watch::Sender<States>,
}

impl HealthPublisher {
    /// A publisher that has published the present states.
    pub(super) fn new(health: Arc<Health>) -> Self {
        let states = watch::Sender::new(states(&health));
        Self { health, states }
    }

    /// What callers see of the states.
    pub(super) fn published(&self) -> PublishedHealth {
        PublishedHealth(self.states.subscribe())
    }

    /// Publishes each change until `shutdown`, and then that nothing is ready any more. That is the
    /// last change, and ends all watches: an open one would keep the server from stopping.
    pub(super) async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.publish_changes() => {}
        }
        self.states.send_modify(|states| {
            let of_ready = Arc::make_mut(states).iter_mut().filter(|(name, _)| *name != LIVE_NAME);
            of_ready.for_each(|(_, status)| *status = ServingStatus::NotServing);
        });
    }

    async fn publish_changes(&self) {
        let mut ready = self.health.watch_ready();
        loop {
            self.publish();
            tokio::select! {
                _ = ready.changed() => {}
                () = tokio::time::sleep(LIVE_INTERVAL) => {}
            }
        }
    }

    /// Tells those who watch, if anything changed.
    fn publish(&self) {
        self.states.send_if_modified(|published| {
            let states = states(&self.health);
            let is_changed = *published != states;
            *published = states;
            is_changed
        });
    }
}

fn states(health: &Health) -> States {
    let status = |is_so| if is_so { ServingStatus::Serving } else { ServingStatus::NotServing };
    let overall = READY_NAMES.map(|name| (name.to_owned(), status(health.is_ready())));
    let of_table =
        |table: &TableHealth| (format!("{TABLE_PREFIX}{}", table.name()), status(table.is_ready()));
    let live = (LIVE_NAME.to_owned(), status(health.is_live()));
    let tables = health.tables().map(of_table);
    Arc::new(overall.into_iter().chain(tables).chain([live]).collect())
}

/// The states as they were published last. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct PublishedHealth(watch::Receiver<States>);

impl PublishedHealth {
    /// The status of one name.
    fn check(&self, name: &str, caller: &Caller) -> Result<HealthCheckResponse, Status> {
        let status = self.0.borrow().get(name).copied().filter(|_| is_visible(name, caller));
        status.map(response).ok_or_else(|| {
            let name: String = name.chars().take(100).collect();
            Status::not_found(format!("no service or table is called {name:?}; List has all"))
        })
    }

    /// The status of each name that the caller may know.
    fn list(&self, caller: &Caller) -> Result<HealthListResponse, Status> {
        let states = self.0.borrow();
        let visible = states.iter().filter(|(name, _)| is_visible(name, caller));
        if visible.clone().count() > MAX_LISTED {
            return Err(Status::resource_exhausted(format!("more than {MAX_LISTED} names")));
        }
        let statuses = visible.map(|(name, status)| (name.clone(), response(*status)));
        Ok(HealthListResponse { statuses: statuses.collect() })
    }

    /// The status of one name, and then each change of it, until the service stops.
    fn watch(
        self,
        name: String,
        caller: &Caller,
    ) -> impl Stream<Item = Result<HealthCheckResponse, Status>> + Send + use<> {
        let (mut last, is_visible) = (None, is_visible(&name, caller));
        WatchStream::new(self.0).filter_map(move |states| {
            let status = states.get(&name).copied().filter(|_| is_visible);
            let status = status.unwrap_or(ServingStatus::ServiceUnknown);
            (last.replace(status) != Some(status)).then(|| Ok(response(status)))
        })
    }
}

/// Whether the caller may know this name. The names of tables are not for everybody.
fn is_visible(name: &str, caller: &Caller) -> bool {
    name.strip_prefix(TABLE_PREFIX).is_none_or(|table| caller.can_see(table))
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use tonic::Code;

    use super::*;

    type Watched = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>>>>;

    fn watch(publisher: &HealthPublisher, name: &str) -> Watched {
        Box::pin(publisher.published().watch(name.into(), &Caller::unrestricted()))
    }

    /// What a watch says at this moment: nothing, a status, or its end.
    fn said(watch: &mut Watched) -> Poll<Option<ServingStatus>> {
        let said = watch.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
        said.map(|said| said.map(|response| response.unwrap().status()))
    }

    fn of_one_table() -> (Arc<Health>, HealthPublisher) {
        let health = Health::new(["a".into()], 1);
        let publisher = HealthPublisher::new(Arc::clone(&health));
        (health, publisher)
    }

    #[tokio::test]
    async fn a_watch_speaks_on_change_alone_and_ends_when_the_service_stops() {
        use ServingStatus::{NotServing, ServiceUnknown, Serving};
        let (health, publisher) = of_one_table();
        let names = ["", "millpond.table/a", LIVE_NAME, "typo"];
        let mut watches = names.map(|name| watch(&publisher, name));
        let mut all_said = || [0, 1, 2, 3].map(|at| said(&mut watches[at]));
        let first = [NotServing, NotServing, Serving, ServiceUnknown];
        assert_eq!(all_said(), first.map(|status| Poll::Ready(Some(status))));
        publisher.publish();
        publisher.publish();
        assert_eq!(all_said(), [Poll::Pending; 4]);

        health.table_handles().pop().unwrap().mark_loaded();
        publisher.publish();
        let ready = Poll::Ready(Some(Serving));
        assert_eq!(all_said(), [ready, ready, Poll::Pending, Poll::Pending]);

        let (shown, anybody) = (publisher.published(), Caller::unrestricted());
        publisher.run(std::future::ready(())).await;
        let (last, end) = (Poll::Ready(Some(NotServing)), Poll::Ready(None));
        assert_eq!(all_said(), [last, last, end, end]);
        assert_eq!(all_said(), [end; 4]);
        assert_eq!(shown.check("", &anybody).unwrap().status(), NotServing);
        assert_eq!(shown.check(LIVE_NAME, &anybody).unwrap().status(), Serving);
    }

    #[test]
    fn a_check_of_an_unknown_name_is_not_found_and_a_list_has_all_that_are_known() {
        let (_, publisher) = of_one_table();
        let (shown, anybody) = (publisher.published(), Caller::unrestricted());
        assert_eq!(shown.check("typo", &anybody).unwrap_err().code(), Code::NotFound);
        let listed = shown.list(&anybody).unwrap().statuses;
        assert_eq!(listed.len(), READY_NAMES.len() + 2);
        for (name, status) in listed {
            assert_eq!(shown.check(&name, &anybody).unwrap(), status, "{name}");
        }
    }

    #[test]
    fn a_list_that_is_longer_than_the_protocol_allows_is_refused() {
        let health = Health::new((0..MAX_LISTED).map(|n| format!("table-{n}")), 1);
        let shown = HealthPublisher::new(health).published();
        let anybody = Caller::unrestricted();
        assert_eq!(shown.list(&anybody).unwrap_err().code(), Code::ResourceExhausted);
        assert!(shown.check("millpond.table/table-7", &anybody).is_ok());
    }
}
