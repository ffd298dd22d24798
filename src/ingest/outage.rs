//! Whether Kafka answers, for all clients together, and why connections fail.
//!
//! Two things are logged here, and nothing is decided by them. A *fault* of a connection is logged
//! at once with librdkafka's reason, and then at most once a minute for each cause. An *outage* means
//! that some client has no broker that answers. It is logged after a moment, unless a fault has said
//! why, at most once a minute while it lasts, and when it ends. It ends for a client with a sign of
//! life that is younger than the last sign of the outage.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::statistics::Statistics;

use super::brokers::{self, Answering, Brokers};
use super::connection_fault::ConnectionFault;
use crate::record::Timestamp;
use crate::stats::KafkaStats;

/// How often an outage is logged, and a fault of each cause.
const LOG_AFTER: Duration = Duration::from_secs(60);
/// How long an outage waits for a fault that says why.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(1);
/// A fault that is not seen for so long is over. librdkafka repeats one after half a minute.
const FAULT_LASTS: Duration = Duration::from_secs(120);
/// How many different errors are logged in a minute.
const MAX_ERRORS: usize = 8;
/// A sign of life is younger than an outage if it is younger than its last sign by this. Statistics
/// come once a second, and when they were made is known a little inexactly.
const SURELY_YOUNGER: Duration = Duration::from_millis(1_500);

/// What to look at while no fault says more.
const LOOK_AT: &str = "kafka.brokers: whether these ports are Kafka's; the network";

#[derive(Debug)]
pub(super) struct Outage {
    configured: String,
    brokers: Brokers,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The clients that have no broker that answers.
    silent: BTreeMap<Client, Silence>,
    /// When an outage was logged last.
    logged: Option<Instant>,
    /// The last fault of each cause.
    faults: Vec<Fault>,
    /// The errors that were logged in the last minute.
    errors: Vec<(String, Instant)>,
}

/// What a client needs brokers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It has no partitions, and waits for none.
    Nothing,
    /// Some partitions cannot be started yet.
    ToStart,
    /// It reads all its partitions.
    ToRead,
}

/// The number of a client.
pub(super) type Client = usize;

#[derive(Debug, Clone, Copy)]
struct Silence {
    since: Instant,
    /// When there was a sign of it last.
    seen: Instant,
}

#[derive(Debug)]
struct Fault {
    of: ConnectionFault,
    since: Instant,
    seen: Instant,
    logged: Option<Instant>,
    is_over: bool,
}

/// Whether a fault is logged by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Only as the reason of an outage.
    Repaired,
    Lasting,
}

/// An outage that is to be logged.
#[derive(Debug, PartialEq, Eq)]
struct OutageLine {
    lasts: Duration,
    /// The fault that explains it, if there is one.
    fault: Option<ConnectionFault>,
}

impl Outage {
    /// `configured` are the brokers of the configuration.
    pub(super) fn new(configured: &str) -> Self {
        Self { configured: configured.into(), brokers: Brokers::default(), state: Mutex::default() }
    }

    /// Notes that Kafka does not answer a client, since now if it did before. `cause` says to what,
    /// and why.
    pub(super) fn observe(&self, client: Client, cause: &str) {
        self.observe_since(client, cause, Instant::now());
    }

    /// Notes which brokers answer a client by its statistics, and when these were made.
    pub(super) fn observe_statistics(
        &self,
        client: Client,
        statistics: &Statistics,
        made: Instant,
        need: Need,
    ) {
        self.brokers.observe_statistics(client, statistics);
        for address in brokers::connected(statistics) {
            self.state.lock().observe_connected(address, made);
        }
        match (brokers::answering(statistics), need) {
            (_, Need::Nothing) | (Answering::Yes, Need::ToRead) => self.end(client, made),
            (Answering::No { reason, lasts }, _) => {
                self.observe_since(client, &reason, made.checked_sub(lasts).unwrap_or(made));
            }
            // Some partition cannot be started, though a broker is connected; or no connection was
            // needed yet.
            (Answering::Yes | Answering::NotAsked, _) => {}
        }
    }

    /// Notes that Kafka has not answered a client since a time.
    fn observe_since(&self, client: Client, cause: &str, since: Instant) {
        let line = self.state.lock().observe(client, since, Instant::now());
        let Some(OutageLine { lasts, fault }) = line else { return };
        let address = fault.as_ref().map(|fault| fault.address.as_str());
        tracing::warn!(
            brokers = self.configured,
            broker = address,
            reason = fault.as_ref().map_or(cause, |fault| &fault.reason),
            look_at = fault.as_ref().map_or(LOOK_AT, ConnectionFault::look_at),
            for_seconds = lasts.as_secs(),
            "waiting for kafka"
        );
    }

    /// Notes that Kafka answered a client at a time, or that it needs no answer any more.
    fn end(&self, client: Client, answered: Instant) {
        if let Some(outage) = self.state.lock().end(client, answered, Instant::now()) {
            let after_seconds = outage.as_secs();
            tracing::info!(brokers = self.configured, after_seconds, "kafka answers again");
        }
    }

    /// Notes a connection that failed or was lost.
    pub(super) fn observe_fault(&self, fault: &ConnectionFault) {
        self.brokers.observe_fault(fault);
        let kind = if fault.is_repaired(self.brokers.are_named()) {
            Kind::Repaired
        } else {
            Kind::Lasting
        };
        let Some(lasts) = self.state.lock().observe_fault(fault, kind, Instant::now()) else {
            return;
        };
        tracing::warn!(
            broker = fault.address,
            reason = fault.reason,
            look_at = fault.look_at(),
            for_seconds = lasts.as_secs(),
            "a connection to kafka fails"
        );
    }

    /// Notes an error of librdkafka that is about no broker.
    pub(super) fn observe_error(&self, reason: &str) {
        if self.state.lock().observe_error(reason, Instant::now()) {
            tracing::warn!(reason, "kafka reports a fault, reading on");
        }
    }

    /// Why Kafka does not answer, in a line; none if it does.
    pub(super) fn note(&self) -> Option<String> {
        let since = self.state.lock().since()?;
        let why = self.newest_fault().map_or_else(String::new, |fault| format!(": {fault}"));
        Some(format!("kafka has not answered for {} s{why}", since.elapsed().as_secs()))
    }

    /// The fault that was seen last and is not over, in a line.
    pub(super) fn newest_fault(&self) -> Option<String> {
        let state = self.state.lock();
        let fault = state.live_faults(Instant::now()).max_by_key(|fault| fault.seen)?;
        let ConnectionFault { address, reason, .. } = &fault.of;
        Some(format!("{address}: {reason}; look at {}", fault.of.look_at()))
    }

    pub(super) fn stats(&self) -> KafkaStats {
        let since = self.state.lock().since().map(|since| Timestamp::now().minus(since.elapsed()));
        KafkaStats { outage_start_time: since, brokers: self.brokers.stats() }
    }
}

impl State {
    fn since(&self) -> Option<Instant> {
        self.silent.values().map(|silence| silence.since).min()
    }

    /// The line about the outage, if it is to be logged now. An outage that comes and goes is logged
    /// no more often than one that lasts.
    fn observe(&mut self, client: Client, since: Instant, now: Instant) -> Option<OutageLine> {
        let silence = self.silent.entry(client).or_insert(Silence { since, seen: now });
        silence.seen = now;
        let since = self.since()?;
        let lasts = now.duration_since(since);
        let is_due = lasts >= EXPLAINED_WITHIN
            && self.logged.is_none_or(|logged| now.duration_since(logged) >= LOG_AFTER)
            && !self.is_explained(since, now);
        is_due.then(|| {
            self.logged = Some(now);
            let fault = self.live_faults(now).max_by_key(|fault| fault.seen);
            OutageLine { lasts, fault: fault.map(|fault| fault.of.clone()) }
        })
    }

    /// Whether a fault was logged for the first time since about then, and not long ago.
    fn is_explained(&self, since: Instant, now: Instant) -> bool {
        self.live_faults(now)
            .any(|fault| fault.since + EXPLAINED_WITHIN >= since && fault.was_logged(now))
    }

    fn live_faults(&self, now: Instant) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(move |fault| fault.is_live(now))
    }

    /// How long the client's outage lasted, if it was the last one that had one, and if the outage
    /// was logged since it began.
    fn end(&mut self, client: Client, answered: Instant, now: Instant) -> Option<Duration> {
        let began = self.since()?;
        let silence = self.silent.get(&client)?;
        if answered < silence.seen + SURELY_YOUNGER {
            return None;
        }
        let was_logged = self.logged.is_some_and(|logged| logged >= began)
            || self
                .faults
                .iter()
                .filter_map(|fault| fault.logged)
                .any(|logged| logged + EXPLAINED_WITHIN >= began);
        self.silent.remove(&client);
        (was_logged && self.silent.is_empty()).then(|| now.duration_since(began))
    }

    /// How long the fault has lasted, if that is to be logged now.
    fn observe_fault(
        &mut self,
        of: &ConnectionFault,
        kind: Kind,
        now: Instant,
    ) -> Option<Duration> {
        let index = self.faults.iter().position(|fault| fault.of.cause == of.cause);
        let index = index.unwrap_or_else(|| {
            self.faults.push(Fault::new(of, now));
            self.faults.len() - 1
        });
        let fault = &mut self.faults[index];
        if !fault.is_live(now) {
            (fault.since, fault.is_over) = (now, false);
        }
        (fault.of, fault.seen) = (of.clone(), now);
        let is_due = kind == Kind::Lasting && !fault.was_logged(now);
        is_due.then(|| {
            fault.logged = Some(now);
            now.duration_since(fault.since)
        })
    }

    /// Whether the error is to be logged now.
    fn observe_error(&mut self, reason: &str, now: Instant) -> bool {
        self.errors.retain(|(_, logged)| now.duration_since(*logged) < LOG_AFTER);
        let is_new =
            self.errors.len() < MAX_ERRORS && self.errors.iter().all(|(known, _)| known != reason);
        if is_new {
            self.errors.push((reason.to_owned(), now));
        }
        is_new
    }

    fn observe_connected(&mut self, address: &str, when: Instant) {
        for fault in self.faults.iter_mut().filter(|fault| fault.of.address == address) {
            fault.is_over |= when >= fault.seen + SURELY_YOUNGER;
        }
    }
}

impl Fault {
    fn new(of: &ConnectionFault, now: Instant) -> Self {
        Self { of: of.clone(), since: now, seen: now, logged: None, is_over: false }
    }

    /// Whether it was logged within the last minute.
    fn was_logged(&self, now: Instant) -> bool {
        self.logged.is_some_and(|logged| now.duration_since(logged) < LOG_AFTER)
    }

    fn is_live(&self, now: Instant) -> bool {
        !self.is_over && now.duration_since(self.seen) < FAULT_LASTS
    }
}

#[cfg(test)]
mod tests;
