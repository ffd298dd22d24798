//! Callers who look up keys all the time, and connect anew now and then.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use millpond_acceptance::caller::is_hit;
use millpond_client::v1::GetRequest;
use millpond_client::v1::lookup_service_client::LookupServiceClient;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Code;
use tonic::transport::Channel;

use super::parties::Callers;
use crate::connection::channel;
use crate::scene::{TABLE, key};

const PAUSE: Duration = Duration::from_millis(5);
/// Lookups on one connection.
const LOOKUPS: u64 = 100;

/// Running callers.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    callers: JoinSet<Tally>,
}

/// What came of the lookups.
#[derive(Debug, Default)]
pub(super) struct Tally {
    done: u64,
    connections: u64,
    /// Lookups that were made a second time.
    repeated: u64,
    failed: BTreeMap<String, u64>,
}

impl Load {
    pub(super) fn start(address: SocketAddr, callers: &Callers, count: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        for _ in 0..count {
            let (stopped, callers) = (Arc::clone(&stop), Callers::clone(callers));
            running.spawn(look_up_until(stopped, move || {
                let callers = callers.clone();
                channel(address, move || callers.identity())
            }));
        }
        Self { stop, callers: running }
    }

    pub(super) async fn stop(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Tally::default();
        for tally in self.callers.join_all().await {
            sum.done += tally.done;
            sum.connections += tally.connections;
            sum.repeated += tally.repeated;
            for (why, count) in tally.failed {
                *sum.failed.entry(why).or_default() += count;
            }
        }
        sum
    }
}

async fn look_up_until(stop: Arc<AtomicBool>, connect: impl Fn() -> Result<Channel>) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        match connect() {
            Ok(channel) => tally.look_up(&mut LookupServiceClient::new(channel)).await,
            Err(error) => tally.fail(format!("{error:#}")),
        }
        tally.connections += 1;
    }
    tally
}

impl Tally {
    /// All lookups of one connection.
    async fn look_up(&mut self, client: &mut LookupServiceClient<Channel>) {
        for number in 0..LOOKUPS {
            let key = key(number);
            let request = GetRequest { table: TABLE.into(), key, ..GetRequest::default() };
            let mut answer = client.get(request.clone()).await;
            // The connection ended between two lookups, and tonic had not noticed. gRPC's own
            // libraries repeat such a call by themselves.
            if answer.as_ref().is_err_and(|status| status.code() == Code::Cancelled) {
                self.repeated += 1;
                answer = client.get(request).await;
            }
            match answer {
                Ok(answer) if is_hit(answer.get_ref()) => {}
                Ok(_) => self.fail("an entry was missed".into()),
                Err(status) => self.fail(format!("{:?}: {}", status.code(), status.message())),
            }
            self.done += 1;
            sleep(PAUSE).await;
        }
    }

    fn fail(&mut self, why: String) {
        *self.failed.entry(why).or_default() += 1;
    }

    pub(super) fn line(&self) -> String {
        let failed: u64 = self.failed.values().sum();
        let Self { done, connections, repeated, .. } = self;
        format!(
            "{done} lookups over {connections} connections, {repeated} repeated, {failed} failed"
        )
    }

    pub(super) fn failures(&self) -> Vec<String> {
        let failed =
            self.failed.iter().map(|(why, count)| format!("{count} lookups failed: {why}"));
        let none = (self.done == 0).then(|| "there were no lookups".to_owned());
        failed.chain(none).collect()
    }
}
