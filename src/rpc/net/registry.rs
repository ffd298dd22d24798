//! The open connections: which one has to make room for another, and what they still work on.
//!
//! A connection is in the registry from its acceptance to its end. It is asked to close, and does
//! so itself: this file knows no socket.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::Notify;
use tokio::time::Instant;
use tonic::codegen::http::uri::PathAndQuery;

use super::calls::{Activity, Calls};
use super::lifetime::Observation;
use super::stats::CloseReason;
use super::transport::Meter;
use crate::request_id::RequestId;

/// A connection that has been idle for less than this makes no room for another: its peer may be
/// about to call.
const MIN_IDLE: Duration = Duration::from_secs(3);
/// The same for a connection that is not set up: a client is quick with that.
const MIN_SETTING_UP: Duration = Duration::from_millis(500);
/// The same for a connection that never made a call, of a peer that has more than the newcomer's.
const MIN_UNUSED: Duration = Duration::from_millis(250);

/// The path of a method is cut here in lists.
const MAX_METHOD_CHARS: usize = 128;

/// All open connections. Clones are the same registry.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry(Arc<Mutex<Slab<Arc<Connection>>>>);

/// What is known of an open connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) calls: Arc<Calls>,
    pub(super) meter: Arc<Meter>,
    asked: Mutex<Option<CloseReason>>,
    has_asked: Notify,
}

/// Keeps a connection in the registry until it is dropped.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) connection: Arc<Connection>,
    registry: Registry,
    key: usize,
}

/// A call that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedCall {
    /// The path of the method.
    pub method: String,
    /// Its id, which its caller knows if it gave one.
    pub request_id: RequestId,
    /// The caller's address.
    pub peer: SocketAddr,
    /// How long ago its headers came.
    pub age: Duration,
}

impl Registry {
    pub(super) fn add(&self, address: SocketAddr) -> Registered {
        let meter = Arc::<Meter>::default();
        let connection = Arc::new(Connection {
            peer: address,
            calls: Arc::new(Calls::new(Instant::now(), Arc::clone(&meter))),
            meter,
            asked: Mutex::default(),
            has_asked: Notify::new(),
        });
        let key = self.0.lock().insert(Arc::clone(&connection));
        Registered { connection, registry: self.clone(), key }
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Asks a connection to close, so that there is room for another: the one that has been idle
    /// for longest. Those that are not set up come first, and those that never made a call before
    /// those that did. One whose peer `has_more` than the newcomer's goes first of all. None is asked
    /// that may be about to make a call. Returns whether one was asked.
    pub(super) fn make_room(&self, now: Instant, has_more: impl Fn(IpAddr) -> bool) -> bool {
        let connections = self.0.lock();
        let idle = connections.iter().filter_map(|(_, connection)| match connection.activity() {
            Some(Activity::Idle { since, has_called }) => {
                let is_set_up = connection.meter.is_set_up();
                let has_more = has_more(connection.peer.ip());
                let min_idle = match (has_more, is_set_up, has_called) {
                    (true, _, false) => MIN_UNUSED,
                    (_, false, _) => MIN_SETTING_UP,
                    _ => MIN_IDLE,
                };
                let order = (!has_more, is_set_up, has_called, since);
                (since + min_idle <= now).then_some((order, connection))
            }
            _ => None,
        });
        let found = idle.min_by_key(|(order, _)| *order);
        found.inspect(|(_, connection)| connection.ask_to_close(CloseReason::Room)).is_some()
    }

    /// The open calls of all connections.
    pub(super) fn count_calls(&self) -> usize {
        self.0.lock().iter().map(|(_, connection)| connection.calls.count()).sum()
    }

    /// Asks all connections to close.
    pub(super) fn close_all(&self) {
        let connections = self.0.lock();
        connections.iter().for_each(|(_, each)| each.ask_to_close(CloseReason::Drain));
    }

    /// The calls that have not ended, those first that began first.
    pub(super) fn unfinished(&self) -> Vec<UnfinishedCall> {
        let connections: Vec<_> =
            self.0.lock().iter().map(|(_, connection)| Arc::clone(connection)).collect();
        let now = Instant::now();
        let mut unfinished = Vec::new();
        for connection in connections {
            unfinished.extend(connection.calls.list().into_iter().map(|call| UnfinishedCall {
                method: call.method.as_ref().map_or_else(String::new, shortened),
                request_id: call.request_id.clone(),
                peer: connection.peer,
                age: now - call.since,
            }));
        }
        unfinished.sort_by_key(|call| std::cmp::Reverse(call.age));
        unfinished
    }
}

/// A caller may write anything there.
fn shortened(method: &PathAndQuery) -> String {
    method.as_str().chars().take(MAX_METHOD_CHARS).collect()
}

impl Connection {
    /// What is seen of it at this moment.
    pub(super) fn observe(&self) -> Observation {
        Observation {
            now: Instant::now(),
            is_set_up: self.meter.is_set_up(),
            activity: self.calls.activity(),
            written_bytes: self.meter.written_bytes(),
        }
    }

    /// How busy it is. None if it is asked to close.
    fn activity(&self) -> Option<Activity> {
        self.asked.lock().is_none().then(|| self.calls.activity())
    }

    /// Asks it to close, for this reason.
    pub(super) fn ask_to_close(&self, reason: CloseReason) {
        // A connection that makes room has to end with the others when the service stops.
        let mut asked = self.asked.lock();
        if *asked != Some(CloseReason::Drain) {
            *asked = Some(reason);
        }
        drop(asked);
        self.has_asked.notify_one();
    }

    /// Waits until the connection is asked to close.
    pub(super) async fn asked_to_close(&self) -> CloseReason {
        loop {
            self.has_asked.notified().await;
            if let Some(reason) = *self.asked.lock() {
                return reason;
            }
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.0.lock().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::super::calls::OpenCall;
    use super::super::caps::{ConnectionStreams, StreamCap};
    use super::*;
    use crate::rpc::call_counters::{CallCounters, CountedCall};

    fn open(
        registered: &Registered,
        cap: &ConnectionStreams,
        method: Option<PathAndQuery>,
    ) -> OpenCall {
        let counted = CountedCall::start(&CallCounters::default().add_thread(), "/");
        let place = cap.enter().unwrap();
        registered.connection.calls.open(method, RequestId::random(), place, counted)
    }

    fn peer(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn asked(registered: &Registered) -> Option<CloseReason> {
        *registered.connection.asked.lock()
    }

    #[test]
    fn the_connection_that_was_idle_for_longest_makes_room_and_one_without_calls_before_it() {
        let (registry, cap) = (Registry::default(), StreamCap::new(9, 1).of_connection());
        let [first, second, busy] = [1, 2, 3].map(|port| registry.add(peer(port)));
        let call = |registered: &Registered| open(registered, &cap, None);
        let _open = call(&busy);
        drop(call(&first));
        drop(call(&second));
        let unused = registry.add(peer(4));
        let silent = registry.add(peer(5));
        for each in [&first, &second, &busy, &unused] {
            each.connection.meter.mark_set_up();
        }
        let all = [&silent, &unused, &first, &second, &busy];

        let make_room = |now| registry.make_room(now, |_| false);
        make_room(Instant::now());
        assert_eq!(all.map(asked), [None; 5], "all are too young");
        make_room(Instant::now() + MIN_SETTING_UP);
        make_room(Instant::now() + MIN_SETTING_UP);
        assert_eq!(all.map(|each| asked(each).is_some()), [true, false, false, false, false]);
        for asked_count in [2, 3, 4, 4] {
            make_room(Instant::now() + MIN_IDLE);
            let are_asked = all.map(|each| asked(each).is_some());
            let expected = [0, 1, 2, 3, 4].map(|place| place < asked_count);
            assert_eq!(are_asked, expected, "the busy one is never asked");
        }
    }

    #[test]
    fn a_peer_that_has_more_makes_room_sooner() {
        let registry = Registry::default();
        let addresses = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
        let [greedy, modest] = addresses.map(|address| registry.add((address, 1).into()));
        for each in [&greedy, &modest] {
            each.connection.meter.mark_set_up();
        }
        let is_greedy = |address| address == addresses[0];
        let are_asked = || [&greedy, &modest].map(|each| asked(each).is_some());
        registry.make_room(Instant::now(), is_greedy);
        assert_eq!(are_asked(), [false, false], "both are too young");
        let soon = Instant::now() + MIN_UNUSED;
        registry.make_room(soon, |_| false);
        assert_eq!(are_asked(), [false, false], "nobody has more");
        registry.make_room(soon, is_greedy);
        registry.make_room(soon, is_greedy);
        assert_eq!(are_asked(), [true, false]);
    }

    #[test]
    fn a_connection_that_just_made_a_call_makes_no_room_whatever_its_peer_has() {
        let (registry, cap) = (Registry::default(), StreamCap::new(2, 1).of_connection());
        let busy = registry.add(peer(1));
        busy.connection.meter.mark_set_up();
        drop(open(&busy, &cap, None));
        let now = Instant::now();
        registry.make_room(now + MIN_UNUSED, |_| true);
        assert_eq!(asked(&busy), None);
        registry.make_room(now + MIN_IDLE, |_| true);
        assert_eq!(asked(&busy), Some(CloseReason::Room));
    }

    #[tokio::test]
    async fn a_connection_is_asked_to_end_with_the_service_even_if_it_makes_room_already() {
        let registry = Registry::default();
        let registered = registry.add(peer(1));
        registered.connection.ask_to_close(CloseReason::Room);
        assert_eq!(registered.connection.asked_to_close().await, CloseReason::Room);
        registry.close_all();
        assert_eq!(registered.connection.asked_to_close().await, CloseReason::Drain);
        drop(registered);
        assert_eq!(registry.count(), 0);
    }

    #[test]
    fn calls_that_have_not_ended_are_listed_by_their_age() {
        let (registry, cap) = (Registry::default(), StreamCap::new(2, 1).of_connection());
        let [one, other] = [1, 2].map(|port| registry.add(peer(port)));
        let method = Some("/millpond.v1.LookupService/Get".parse().unwrap());
        let _older = open(&other, &cap, method.clone());
        let _younger = open(&one, &cap, method);
        let unfinished = registry.unfinished();
        let peers: Vec<_> = unfinished.iter().map(|call| call.peer).collect();
        assert_eq!(peers, [peer(2), peer(1)]);
        assert_eq!(unfinished[0].method, "/millpond.v1.LookupService/Get");
    }
}
