//! The brokers as the clients see them, for operators: which are connected, and why others are not.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::statistics::{Broker, Statistics};

use super::connection_fault::ConnectionFault;
use crate::record::Timestamp;
use crate::stats::{BrokerFault, BrokerState, BrokerStats};

/// How many addresses' faults are kept.
const MAX_FAULTS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Brokers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// What each client has seen in its last statistics.
    seen: BTreeMap<usize, Vec<Seen>>,
    /// The last fault of each address.
    faults: BTreeMap<String, BrokerFault>,
}

#[derive(Debug, Clone)]
struct Seen {
    address: String,
    /// None for an address of the configuration.
    id: Option<i32>,
    state: BrokerState,
}

impl Brokers {
    /// Notes the statistics of a client.
    pub(super) fn observe_statistics(&self, client: usize, statistics: &Statistics) {
        // A logical broker, such as a group's coordinator, is also listed as itself.
        let real = statistics.brokers.values().filter(|broker| is_real(broker));
        self.0.lock().seen.insert(client, real.map(Seen::of).collect());
    }

    /// Notes a connection that failed or was lost.
    pub(super) fn observe_fault(&self, fault: &ConnectionFault) {
        let now = Timestamp::now();
        let faults = &mut self.0.lock().faults;
        let (reason, look_at) = (fault.reason.clone(), fault.look_at());
        faults.insert(fault.address.clone(), BrokerFault { reason, look_at, time: now });
        if faults.len() > MAX_FAULTS
            && let Some(oldest) = faults.iter().min_by_key(|(_, fault)| fault.time)
        {
            let oldest = oldest.0.clone();
            faults.remove(&oldest);
        }
    }

    /// Whether the cluster has named its brokers.
    pub(super) fn are_named(&self) -> bool {
        self.0.lock().seen.values().flatten().any(|seen| seen.id.is_some())
    }

    /// Every broker that the cluster has named. While it has named none, the addresses of the
    /// configuration, and after that those of them that have a fault and are no broker's.
    pub(super) fn stats(&self) -> Vec<BrokerStats> {
        let known = self.0.lock();
        let mut found = BTreeMap::<(Option<i32>, &str), BrokerState>::new();
        for seen in known.seen.values().flatten() {
            let state = found.entry((seen.id, &seen.address)).or_insert(seen.state);
            *state = (*state).max(seen.state);
        }
        let is_broker = |address: &str| found.keys().any(|(id, of)| id.is_some() && *of == address);
        let has_brokers = found.keys().any(|(id, _)| id.is_some());
        let is_listed = |(id, address): &(Option<i32>, &str)| {
            let is_wrong = known.faults.contains_key(*address) && !is_broker(address);
            id.is_some() || !has_brokers || is_wrong
        };
        let listed = found.iter().filter(|(broker, _)| is_listed(broker));
        listed
            .map(|(&(id, address), &state)| BrokerStats {
                address: address.into(),
                id,
                state,
                last_fault: known.faults.get(address).cloned(),
            })
            .collect()
    }
}

impl Seen {
    fn of(broker: &Broker) -> Self {
        let state = match broker.state.as_str() {
            "UP" => BrokerState::Connected,
            "INIT" => BrokerState::Unused,
            "DOWN" | "TRY_CONNECT" => BrokerState::Disconnected,
            _ => BrokerState::Connecting,
        };
        let id = (broker.nodeid >= 0).then_some(broker.nodeid);
        Self { address: broker.nodename.clone(), id, state }
    }
}

fn is_real(broker: &Broker) -> bool {
    matches!(broker.source.as_str(), "configured" | "learned")
}

/// Whether brokers answer a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answering {
    /// One does at least.
    Yes,
    /// None does, for so long.
    No { reason: String, lasts: Duration },
    /// The client has not tried to connect to any yet.
    NotAsked,
}

/// Whether brokers answer a client by its statistics.
pub(super) fn answering(statistics: &Statistics) -> Answering {
    let tried = || statistics.brokers.values().filter(|it| is_real(it) && it.state != "INIT");
    if tried().any(is_answering) {
        return Answering::Yes;
    }
    let Some(broker) = tried().max_by_key(|broker| broker.nodeid) else {
        return Answering::NotAsked;
    };
    let since = if broker.state == "UP" { broker.rxidle } else { broker.stateage };
    let lasts = Duration::from_micros(u64::try_from(since).unwrap_or(0));
    let (name, state, millis) = (&broker.nodename, &broker.state, lasts.as_millis());
    let reason = format!("no broker answers: {name} is in state {state} for {millis} ms");
    Answering::No { reason, lasts }
}

/// Whether the broker is connected, and not overdue with an answer.
fn is_answering(broker: &Broker) -> bool {
    let is_overdue = broker.waitresp_cnt > 0 && broker.rxidle > OVERDUE_MICROS;
    broker.state == "UP" && !is_overdue
}

/// A fetch is answered within half a second, whether or not there are records.
const OVERDUE_MICROS: i64 = 10_000_000;

/// The addresses of brokers that are connected.
pub(super) fn connected(statistics: &Statistics) -> impl Iterator<Item = &str> {
    let connected = statistics.brokers.values().filter(|broker| is_real(broker));
    connected.filter(|broker| is_answering(broker)).map(|broker| broker.nodename.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(nodename: &str, nodeid: i32, state: &str) -> Broker {
        let source = if nodeid < 0 { "configured" } else { "learned" };
        Broker {
            nodename: nodename.into(),
            nodeid,
            state: state.into(),
            source: source.into(),
            stateage: 1_500_000,
            ..Broker::default()
        }
    }

    fn statistics(brokers: impl IntoIterator<Item = Broker>) -> Statistics {
        let named = |broker: Broker| (format!("{}/{}", broker.nodename, broker.nodeid), broker);
        Statistics { brokers: brokers.into_iter().map(named).collect(), ..Statistics::default() }
    }

    fn listed(brokers: &Brokers) -> Vec<(String, Option<i32>, BrokerState)> {
        brokers.stats().into_iter().map(|each| (each.address, each.id, each.state)).collect()
    }

    #[test]
    fn configured_addresses_are_listed_until_the_cluster_has_named_its_brokers() {
        let brokers = Brokers::default();
        brokers.observe_statistics(0, &statistics([broker("kafka:9092", -1, "CONNECT")]));
        assert_eq!(listed(&brokers), [("kafka:9092".into(), None, BrokerState::Connecting)]);
        let both = [broker("kafka:9092", -1, "UP"), broker("k1:9092", 1, "UP")];
        brokers.observe_statistics(0, &statistics(both));
        assert_eq!(listed(&brokers), [("k1:9092".into(), Some(1), BrokerState::Connected)]);
        let fault = "kafka:9092/bootstrap: Failed to resolve 'kafka:9092': no";
        brokers.observe_fault(&ConnectionFault::parse(fault).unwrap());
        assert_eq!(listed(&brokers).len(), 2, "this one is wrong");
    }

    #[test]
    fn a_broker_is_connected_if_any_client_is() {
        let brokers = Brokers::default();
        brokers.observe_statistics(0, &statistics([broker("k1:9092", 1, "UP")]));
        brokers.observe_statistics(1, &statistics([broker("k1:9092", 1, "INIT")]));
        assert_eq!(listed(&brokers), [("k1:9092".into(), Some(1), BrokerState::Connected)]);
    }

    #[test]
    fn a_connection_on_which_no_answer_comes_does_not_answer() {
        let up = broker("k1:9092", 1, "UP");
        let found = |broker: Broker| answering(&statistics([broker]));
        assert_eq!(found(up.clone()), Answering::Yes);
        let overdue = Broker { waitresp_cnt: 1, rxidle: 12_000_000, ..up.clone() };
        let reason = "no broker answers: k1:9092 is in state UP for 12000 ms".into();
        let lasts = Duration::from_secs(12);
        assert_eq!(found(overdue.clone()), Answering::No { reason, lasts });
        let idle = Broker { waitresp_cnt: 0, ..overdue };
        assert_eq!(found(idle), Answering::Yes, "nothing was asked");
        let Answering::No { lasts, .. } = found(broker("a:1", -1, "CONNECT")) else { panic!() };
        assert_eq!(lasts, Duration::from_millis(1_500));
        let unused = broker("b:1", 1, "INIT");
        assert_eq!(found(unused.clone()), Answering::NotAsked, "the client has not needed it yet");
        let both = answering(&statistics([broker("a:1", -1, "CONNECT"), unused]));
        assert!(matches!(both, Answering::No { reason, .. } if reason.contains("a:1")));
    }

    #[test]
    fn faults_of_many_addresses_are_bounded() {
        let brokers = Brokers::default();
        for port in 0..2 * MAX_FAULTS {
            let fault = format!("kafka:{port}/1: Disconnected");
            brokers.observe_fault(&ConnectionFault::parse(&fault).unwrap());
        }
        assert_eq!(brokers.0.lock().faults.len(), MAX_FAULTS);
    }
}
