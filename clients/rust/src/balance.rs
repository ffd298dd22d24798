//! Keeps connections to all addresses of a name.
//!
//! ```text
//! name -> resolver: addresses -> connections to each -> health: those that want calls -> calls, in turn
//! ```

mod health;
mod resolver;

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::channel::AuthorizedChannel;
use crate::connections::{Connection, Connections, Usable};
use crate::dial::Dial;
use crate::endpoint::Address;
use crate::tls::Tls;
use crate::token::TokenFile;
use health::{Fault, watch_health};
use resolver::{Resolved, resolve};

/// Whom to connect to, and how.
pub(crate) struct Target {
    pub(crate) address: Address,
    /// None for plaintext.
    pub(crate) tls: Option<Tls>,
    pub(crate) token: Option<Arc<TokenFile>>,
    /// Connections to each address.
    pub(crate) connections: usize,
}

/// Opens connections to a target, and keeps them until they are dropped.
pub(crate) fn keep(target: Target) -> Connections {
    let why_none = format!("{}: its name is not resolved yet", target.address);
    let (usable, taken) = watch::channel(Usable { connections: Vec::new(), why_none });
    let task = tokio::spawn(Balancer::new(target, usable).run());
    Connections::balanced(taken, task.abort_handle())
}

/// The task that follows a name, its addresses and their health.
struct Balancer {
    target: Target,
    instances: BTreeMap<SocketAddr, Instance>,
    /// Why the name could not be resolved when that was tried last.
    unresolved: Option<String>,
    /// The tasks that resolve the name and watch health. They end when this is dropped.
    tasks: JoinSet<()>,
    resolved: mpsc::Receiver<Resolved>,
    /// Tells the resolver that the addresses may have changed.
    resolve_soon: Arc<Notify>,
    faults: mpsc::Receiver<(SocketAddr, Fault)>,
    /// Given to each watch.
    fault_sender: mpsc::Sender<(SocketAddr, Fault)>,
    usable: watch::Sender<Usable>,
}

/// What answers at one address.
struct Instance {
    connections: Vec<Connection>,
    fault: Fault,
    watch: AbortHandle,
}

impl Balancer {
    fn new(target: Target, usable: watch::Sender<Usable>) -> Self {
        let (fault_sender, faults) = mpsc::channel(16);
        let (resolved_sender, resolved) = mpsc::channel(1);
        let (instances, mut tasks) = (BTreeMap::new(), JoinSet::new());
        let resolve_soon = Arc::new(Notify::new());
        tasks.spawn(resolve(target.address.clone(), Arc::clone(&resolve_soon), resolved_sender));
        let unresolved = None;
        Self {
            target,
            instances,
            unresolved,
            tasks,
            resolved,
            resolve_soon,
            faults,
            fault_sender,
            usable,
        }
    }

    async fn run(mut self) {
        loop {
            tokio::select! {
                Some(resolved) = self.resolved.recv() => self.follow(resolved),
                Some((address, fault)) = self.faults.recv() => self.note(address, fault),
            }
            self.publish();
        }
    }

    /// Connects to the addresses that the name has now, and to no others.
    fn follow(&mut self, resolved: Resolved) {
        let addresses = match resolved {
            Ok(addresses) => addresses,
            // What was found before may still answer.
            Err(why) => return self.unresolved = Some(why),
        };
        self.unresolved = None;
        self.close_others(&addresses);
        for address in addresses {
            if !self.instances.contains_key(&address) {
                let instance = self.open(address);
                self.instances.insert(address, instance);
            }
        }
    }

    fn close_others(&mut self, addresses: &BTreeSet<SocketAddr>) {
        self.instances.retain(|address, instance| {
            let stays = addresses.contains(address);
            if !stays {
                instance.watch.abort();
            }
            stays
        });
        while self.tasks.try_join_next().is_some() {}
    }

    fn open(&mut self, address: SocketAddr) -> Instance {
        let Target { address: name, tls, token, connections } = &self.target;
        let dial = Arc::new(Dial::new(name.endpoint_at(address), tls.clone()));
        let open = || Connection { channel: dial.connect_lazy(), dial: Arc::clone(&dial) };
        let connections: Vec<_> = iter::repeat_with(open).take((*connections).max(1)).collect();
        let first = Connections::one(connections[0].clone());
        let first = AuthorizedChannel::new(first, token.clone(), name.transport(), name.timeout());
        let watch = self.tasks.spawn(watch_health(first, address, self.fault_sender.clone()));
        Instance { connections, fault: Some("it has not answered yet".into()), watch }
    }

    /// Notes what became of an instance.
    fn note(&mut self, address: SocketAddr, fault: Fault) {
        let Some(instance) = self.instances.get_mut(&address) else { return };
        if fault.is_some() {
            self.resolve_soon.notify_one();
        }
        instance.fault = fault;
    }

    /// Says which connections can be used, or why none can.
    fn publish(&self) {
        let healthy: Vec<_> =
            self.instances.values().filter(|instance| instance.fault.is_none()).collect();
        let in_turn = |turn: usize| healthy.iter().map(move |each| each.connections[turn].clone());
        let turns = 0..healthy.first().map_or(0, |instance| instance.connections.len());
        let connections = turns.flat_map(in_turn).collect();
        let why_none = format!("no instance of {} is ready{}", self.target.address, {
            let faults = self.instances.iter().filter_map(|(address, instance)| {
                Some(format!("; {address}: {}", instance.fault.as_deref()?))
            });
            let unresolved = self.unresolved.as_ref().map(|why| format!("; {why}"));
            unresolved.into_iter().chain(faults).collect::<String>()
        });
        self.usable.send_replace(Usable { connections, why_none });
    }
}
