//! What all connections share: the bytes of the pool, and what becomes of callers who do not read.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::answers::{Answers, UnsentAnswer};
use super::parts::Parts;
use super::shedding::Shedding;
use super::slow_peers::SlowPeers;
use crate::stats::ShedCause;

/// The pool is divided by this for one connection, and for all slow peers together.
pub(super) const CONNECTION_DIVISOR: usize = 4;
/// How long the transport of a connection may keep what it holds of an answer that was dropped.
const MAX_STUCK: Duration = Duration::from_secs(1);
/// How often stalled answers are looked for at most, while calls wait for room.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) parts: Parts,
    pub(super) answers: Answers,
    pub(super) shedding: Shedding,
    slow_peers: SlowPeers,
    parts_of_slow_peers: Arc<Parts>,
    stalled: Mutex<Stalled>,
}

/// What was seen when stalled answers were looked for.
#[derive(Debug, Default)]
struct Stalled {
    looked: Option<Instant>,
    /// Those that were dropped, and when.
    dropped: Vec<(Instant, Arc<dyn UnsentAnswer>)>,
}

impl Shared {
    /// A pool of this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            parts: Parts::new(bytes),
            answers: Answers::default(),
            shedding: Shedding::default(),
            slow_peers: SlowPeers::default(),
            parts_of_slow_peers: Arc::new(Parts::new(bytes / CONNECTION_DIVISOR)),
            stalled: Mutex::default(),
        }
    }

    /// What a connection may take whose peer is slow.
    pub(super) fn parts_if_slow(&self, peer: IpAddr) -> Option<Arc<Parts>> {
        self.slow_peers.contains(peer, Instant::now).then(|| Arc::clone(&self.parts_of_slow_peers))
    }

    /// Makes room for an answer of this many bytes: drops the largest answers that are stalled. Then
    /// closes the connections whose peers do not even take what the transport had in hand.
    ///
    /// However many calls wait, it looks as often as for one.
    pub(super) fn drop_stalled(&self, bytes: usize) {
        let now = Instant::now();
        let mut stalled = self.stalled.lock();
        if stalled.looked.is_some_and(|last| now < last + LOOK_INTERVAL) {
            return;
        }
        stalled.looked = Some(now);
        stalled.dropped.retain(|(_, answer)| answer.is_in_transport());
        let stuck = stalled.dropped.extract_if(.., |(since, _)| *since + MAX_STUCK <= now);
        stuck.for_each(|(_, answer)| answer.close_connection());
        let cause = ShedCause::AnswerLate;
        let (dropped, _) = self.answers.drop_largest(bytes, cause, |answer| answer.is_stalled());
        for answer in dropped {
            self.slow_peers.add(answer.peer(), now);
            stalled.dropped.push((now, answer));
        }
    }
}
