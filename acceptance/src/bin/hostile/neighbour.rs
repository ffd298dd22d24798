//! The well-behaved client beside the peers: steady lookups on connections of its own, a newcomer
//! who connects for one call, and the probes of an orchestrator.
//!
//! It has a thread of its own, so that the peers of this program do not hold it up, only what they do
//! to the service does.

mod probes;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use millpond_acceptance::producer::Delivered;
use millpond_client::health::HealthCheckRequest;
use millpond_client::health::health_client::HealthClient;
use millpond_client::v1::lookup_service_client::LookupServiceClient;
use millpond_client::v1::{BatchGetRequest, GetRequest};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::entries::{TABLE, recent_keys};
use crate::target::Target;
pub(crate) use tally::Tally;

/// A call that takes longer counts as failed.
const SLOWEST_CALL: Duration = Duration::from_secs(5);
/// The times between two calls of each kind.
const EACH_GET: Duration = Duration::from_millis(5);
const EACH_BATCH: Duration = Duration::from_millis(25);
const EACH_NEWCOMER: Duration = Duration::from_millis(250);
const EACH_PROBE: Duration = Duration::from_millis(500);
const BATCH_KEYS: u64 = 50;

/// The counts of one client.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) lookups: Tally,
    /// Calls on a connection that was made for them.
    pub(crate) newcomers: Tally,
    pub(crate) probes: Tally,
}

/// A running client.
pub(crate) struct Neighbour {
    stop: Arc<AtomicBool>,
    connected: oneshot::Receiver<()>,
    thread: JoinHandle<anyhow::Result<Tallies>>,
}

impl Neighbour {
    /// Starts to call for keys of these records.
    pub(crate) fn start(target: Target, records: Arc<Delivered>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let caller = Caller { target, records, stop: Arc::clone(&stop) };
        let (connect, connected) = oneshot::channel();
        let thread = std::thread::spawn(move || caller.run(connect));
        Self { stop, connected, thread }
    }

    /// Waits until it has its connections. Only newcomers may have to wait for those who attack.
    pub(crate) async fn wait_until_connected(&mut self) -> anyhow::Result<()> {
        (&mut self.connected).await.context("the well-behaved client found no service")
    }

    /// Ends the calls.
    pub(crate) fn stop(self) -> anyhow::Result<Tallies> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the well-behaved client's thread died")).flatten()
    }
}

struct Caller {
    target: Target,
    records: Arc<Delivered>,
    stop: Arc<AtomicBool>,
}

impl Caller {
    fn run(&self, connected: oneshot::Sender<()>) -> anyhow::Result<Tallies> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut gets = LookupServiceClient::new(self.channel()?);
            let mut batches = LookupServiceClient::new(self.channel()?);
            self.get(&mut gets).await?;
            self.batch_get(&mut batches).await?;
            let _ = connected.send(());
            let (mut one, mut many) = (Tally::default(), Tally::default());
            let (mut newcomers, mut probes) = (Tally::default(), Tally::default());
            tokio::join!(
                self.repeat(EACH_GET, &mut one, async || self.get(&mut gets).await),
                self.repeat(EACH_BATCH, &mut many, async || self.batch_get(&mut batches).await),
                self.repeat(EACH_NEWCOMER, &mut newcomers, async || self.join().await),
                self.repeat(EACH_PROBE, &mut probes, async || probes::ask(self.target.admin).await),
            );
            one.merge(many);
            Ok(Tallies { lookups: one, newcomers, probes })
        })
    }

    async fn repeat(
        &self,
        pause: Duration,
        tally: &mut Tally,
        mut call: impl AsyncFnMut() -> anyhow::Result<()>,
    ) {
        let mut tick = interval(pause);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.stop.load(Ordering::Relaxed) {
            tick.tick().await;
            let start = Instant::now();
            let outcome =
                timeout(SLOWEST_CALL, call()).await.context("no answer in time").flatten();
            tally.add(start.elapsed(), outcome);
        }
    }

    fn channel(&self) -> anyhow::Result<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.target.rpc))?;
        Ok(endpoint.connect_timeout(SLOWEST_CALL).connect_lazy())
    }

    fn keys(&self, count: u64) -> Vec<String> {
        recent_keys(self.records.count.load(Ordering::Relaxed), count)
    }

    async fn get(&self, client: &mut LookupServiceClient<Channel>) -> anyhow::Result<()> {
        let key = self.keys(1).pop().context("no key")?;
        let request = GetRequest { table: TABLE.into(), key, ..Default::default() };
        client.get(timely(request)).await?;
        Ok(())
    }

    async fn batch_get(&self, client: &mut LookupServiceClient<Channel>) -> anyhow::Result<()> {
        let keys = self.keys(BATCH_KEYS);
        let (asked, table) = (keys.len(), TABLE.into());
        let request = BatchGetRequest { table, keys, ..Default::default() };
        let answered = client.batch_get(timely(request)).await?.into_inner().results.len();
        ensure!(answered == asked, "{answered} answers to {asked} keys");
        Ok(())
    }

    /// Makes one call on a connection of its own, as a probe by gRPC does.
    async fn join(&self) -> anyhow::Result<()> {
        let mut client = HealthClient::new(self.channel()?);
        client.check(timely(HealthCheckRequest::default())).await?;
        Ok(())
    }
}

fn timely<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(SLOWEST_CALL);
    request
}
