//! Keeps connections to all addresses of a name.
//!
//! ```text
//! name -> addresses -> connections to each -> those whose instance is healthy -> calls, in turn
//! ```

mod health;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tonic::transport::Channel;

use crate::channel::AuthorizedChannel;
use crate::connections::{Connections, Usable};
use crate::endpoint::Address;
use crate::tls::Tls;
use crate::token::TokenFile;
use health::{Fault, watch_health};

/// A name is resolved again after this.
const RESOLVE_AFTER: Duration = Duration::from_secs(30);
/// The same after something failed: an instance, or resolving itself.
const RESOLVE_SOON: Duration = Duration::from_secs(1);

/// Whom to connect to, and how.
pub(crate) struct Target {
    pub(crate) address: Address,
    /// None for plaintext.
    pub(crate) tls: Option<Tls>,
    pub(crate) token: Option<Arc<TokenFile>>,
    /// Connections to each address.
    pub(crate) connections: usize,
}

/// Opens connections to a target, and keeps them while somebody takes them.
pub(crate) fn keep(target: Target) -> Connections {
    let why_none = format!("{}: its name is not resolved yet", target.address);
    let (usable, taken) = watch::channel(Usable { channels: Vec::new(), why_none });
    let task = tokio::spawn(Upkeep::new(target, usable).run());
    Connections::kept(taken, task.abort_handle())
}

/// The task of a name.
struct Upkeep {
    target: Target,
    instances: BTreeMap<SocketAddr, Instance>,
    /// The tasks that watch health. They end with this.
    watches: JoinSet<()>,
    faults: mpsc::Receiver<(SocketAddr, Fault)>,
    /// Given to each watch.
    fault_sender: mpsc::Sender<(SocketAddr, Fault)>,
    resolved: Instant,
    resolve_at: Instant,
    usable: watch::Sender<Usable>,
}

/// What answers at one address.
struct Instance {
    channels: Vec<Channel>,
    fault: Fault,
    watch: AbortHandle,
}

impl Upkeep {
    fn new(target: Target, usable: watch::Sender<Usable>) -> Self {
        let (fault_sender, faults) = mpsc::channel(16);
        let (instances, watches, now) = (BTreeMap::new(), JoinSet::new(), Instant::now());
        let (resolved, resolve_at) = (now, now);
        Self { target, instances, watches, faults, fault_sender, resolved, resolve_at, usable }
    }

    async fn run(mut self) {
        loop {
            tokio::select! {
                () = sleep_until(self.resolve_at) => self.resolve().await,
                Some((address, fault)) = self.faults.recv() => self.note(address, fault),
            }
        }
    }

    async fn resolve(&mut self) {
        let found = self.target.address.resolve().await;
        self.resolved = Instant::now();
        self.resolve_at = self.resolved + RESOLVE_AFTER;
        let addresses = match found {
            Ok(addresses) => addresses,
            // What was found before may still answer.
            Err(why) => {
                self.resolve_at = self.resolved + RESOLVE_SOON;
                return self.publish(&why);
            }
        };
        self.close_others(&addresses);
        for address in addresses {
            if !self.instances.contains_key(&address) {
                let instance = self.open(address);
                self.instances.insert(address, instance);
            }
        }
        self.publish("");
    }

    fn close_others(&mut self, addresses: &BTreeSet<SocketAddr>) {
        self.instances.retain(|address, instance| {
            let stays = addresses.contains(address);
            if !stays {
                instance.watch.abort();
            }
            stays
        });
        while self.watches.try_join_next().is_some() {}
    }

    fn open(&mut self, address: SocketAddr) -> Instance {
        let Target { address: name, tls, token, connections } = &self.target;
        let endpoint = name.endpoint_at(address);
        let open = || match tls {
            Some(tls) => tls.clone().connect_lazy(&endpoint),
            None => endpoint.connect_lazy(),
        };
        let channels: Vec<_> = std::iter::repeat_with(open).take((*connections).max(1)).collect();
        let first = Connections::one(channels[0].clone());
        let first = AuthorizedChannel::new(first, token.clone(), name.transport(), name.timeout());
        let watch = self.watches.spawn(watch_health(first, address, self.fault_sender.clone()));
        Instance { channels, fault: Some("it has not answered yet".into()), watch }
    }

    /// Notes what became of an instance.
    fn note(&mut self, address: SocketAddr, fault: Fault) {
        let Some(instance) = self.instances.get_mut(&address) else { return };
        if fault.is_some() {
            self.resolve_at = self.resolve_at.min(self.resolved + RESOLVE_SOON);
        }
        instance.fault = fault;
        self.publish("");
    }

    /// Says which connections can be used, or why none can.
    fn publish(&self, why_unresolved: &str) {
        let healthy: Vec<_> =
            self.instances.values().filter(|instance| instance.fault.is_none()).collect();
        let in_turn = |turn: usize| healthy.iter().map(move |each| each.channels[turn].clone());
        let turns = 0..healthy.first().map_or(0, |instance| instance.channels.len());
        let channels = turns.flat_map(in_turn).collect();
        let why_none = format!("no instance of {} is ready{}", self.target.address, {
            let faults = self.instances.iter().filter_map(|(address, instance)| {
                Some(format!("; {address}: {}", instance.fault.as_deref()?))
            });
            let unresolved = (!why_unresolved.is_empty()).then(|| format!("; {why_unresolved}"));
            unresolved.into_iter().chain(faults).collect::<String>()
        });
        self.usable.send_replace(Usable { channels, why_none });
    }
}
