//! Who gets bytes of the pool, who is refused, and that all of them come back.

use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::shared::LOOK_INTERVAL;
use super::*;
use crate::stats::ShedCause;

/// Of which 1 MiB is for requests and 3 MiB for answers.
const BYTES: u64 = 4 << 20;
const KIB: usize = 1 << 10;
/// Some peer.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl BytePool {
    /// The share of a new connection, of some peer.
    pub(in crate::rpc) fn connect(&self) -> ConnectionShare {
        self.connect_from(PEER)
    }

    fn connect_from(&self, peer: IpAddr) -> ConnectionShare {
        self.open_connection(peer, Box::new(|| ()))
    }
}

fn pool() -> BytePool {
    BytePool::new(BYTES)
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn permit(share: &ConnectionShare, purpose: Purpose, bytes: usize) -> Result<Permit, ShedCause> {
    let mut permit = share.new_permit(purpose);
    permit.grow_to(bytes).map(|()| permit)
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[test]
fn one_connection_gets_a_quarter_of_the_pool_and_leaves_the_rest_to_others() {
    let pool = pool();
    for (purpose, quarter) in [(Purpose::Request, 256 * KIB), (Purpose::Answer, 768 * KIB)] {
        let greedy = pool.connect();
        let all = permit(&greedy, purpose, quarter).unwrap();
        assert_eq!(permit(&greedy, purpose, 5 * KIB).err(), Some(ShedCause::PoolFull));
        let others: Vec<_> = (0..3)
            .map(|_| permit(&pool.connect(), purpose, quarter).expect("there is room"))
            .collect();
        let late = permit(&pool.connect(), purpose, 5 * KIB);
        assert_eq!(late.err(), Some(ShedCause::PoolFull), "{purpose:?}");
        drop((all, others));
    }
    assert_eq!(pool.stats().held_bytes, 0);
}

#[test]
fn requests_take_no_room_from_answers() {
    let pool = pool();
    let connections: Vec<_> = (0..4).map(|_| pool.connect()).collect();
    let requests: Vec<_> =
        connections.iter().map(|share| permit(share, Purpose::Request, 256 * KIB)).collect();
    assert!(requests.iter().all(Result::is_ok));
    assert!(permit(&connections[0], Purpose::Answer, 768 * KIB).is_ok());
}

#[test]
fn what_is_small_takes_nothing_and_is_granted_when_all_is_full() {
    let pool = pool();
    let shares: Vec<_> = (0..4).map(|_| pool.connect()).collect();
    let full: Vec<_> =
        shares.iter().map(|share| permit(share, Purpose::Answer, KIB << 10)).collect();
    assert!(full.iter().all(Result::is_ok));
    assert_eq!(pool.stats().held_bytes, 3 << 20);
    let small = permit(&shares[0], Purpose::Answer, FREE_BYTES).unwrap();
    assert_eq!(small.held_bytes(), 0);
    pool.shed(1);
    assert!(permit(&shares[0], Purpose::Answer, FREE_BYTES).is_ok(), "also while memory is short");
}

#[tokio::test]
async fn a_connection_that_waits_for_its_own_share_holds_up_no_other() {
    let pool = pool();
    let (greedy, other) = (pool.connect(), pool.connect());
    let held = permit(&greedy, Purpose::Answer, 768 * KIB).unwrap();
    let mut waiting = greedy.new_permit(Purpose::Answer);
    let mut waiting = pin!(waiting.wait_for(768 * KIB, in_a_minute()));
    assert!(poll(waiting.as_mut()).is_pending());
    assert!(permit(&other, Purpose::Answer, 768 * KIB).is_ok());
    drop(held);
    assert!(poll(waiting).is_ready());
}

#[tokio::test]
async fn a_call_that_waits_is_not_overtaken() {
    let pool = pool();
    let share = pool.connect();
    let held = permit(&share, Purpose::Answer, 512 * KIB).unwrap();
    {
        let mut waiting = share.new_permit(Purpose::Answer);
        let mut waiting = pin!(waiting.wait_for(512 * KIB, in_a_minute()));
        assert!(poll(waiting.as_mut()).is_pending());
        assert_eq!(permit(&share, Purpose::Answer, 8 * KIB).err(), Some(ShedCause::PoolFull));
    }
    assert!(permit(&share, Purpose::Answer, 8 * KIB).is_ok(), "nobody waits any more");
    drop(held);
    assert_eq!(pool.stats().held_bytes, 0);
}

#[tokio::test]
async fn while_memory_is_short_charges_are_refused_and_waits_end() {
    let pool = pool();
    let share = pool.connect();
    let held = permit(&share, Purpose::Answer, 768 * KIB).unwrap();
    let mut waiting = share.new_permit(Purpose::Answer);
    let mut waiting = pin!(waiting.wait_for(64 * KIB, in_a_minute()));
    assert!(poll(waiting.as_mut()).is_pending());
    pool.shed(1);
    assert_eq!(poll(waiting), Poll::Ready(Err(ShedCause::MemoryShort)));
    let refused = permit(&pool.connect(), Purpose::Request, 8 * KIB);
    assert_eq!(refused.err(), Some(ShedCause::MemoryShort));
    pool.end_shedding();
    assert!(permit(&pool.connect(), Purpose::Request, 8 * KIB).is_ok());
    drop(held);
}

/// An answer that its caller does not read.
#[derive(Debug)]
struct Unsent {
    permit: parking_lot::Mutex<Option<Permit>>,
    peer: IpAddr,
    /// Whether the transport holds a part of it, whatever is dropped.
    is_stuck: bool,
    closed: AtomicBool,
}

impl UnsentAnswer for Unsent {
    fn held_bytes(&self) -> usize {
        self.permit.lock().as_ref().map_or(0, Permit::held_bytes)
    }

    fn is_stalled(&self) -> bool {
        true
    }

    fn drop_rest(&self, _: ShedCause) {
        self.permit.lock().take();
    }

    fn is_in_transport(&self) -> bool {
        self.is_stuck
    }

    fn close_connection(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn peer(&self) -> IpAddr {
        self.peer
    }
}

#[test]
fn the_largest_answers_are_dropped_first_and_no_more_than_needed() {
    let pool = pool();
    let answers = [8, 300, 40, 200].map(|kib| unread(&pool, PEER, kib * KIB));
    let held = || answers.each_ref().map(|(_, answer)| answer.held_bytes() / KIB);
    assert_eq!(pool.shed(250 << 10), 300 << 10);
    assert_eq!(held(), [8, 0, 40, 200]);
    assert_eq!(pool.shed(201 << 10), 240 << 10);
    assert_eq!(held(), [8, 0, 0, 0]);
    assert_eq!(pool.stats().shed_bytes, 540 << 10);
    drop(answers);
    assert_eq!((pool.shed(1 << 20), pool.stats().held_bytes), (0, 0), "none is left to drop");
}

/// An answer of this size that its caller does not read, on a new connection of this peer.
fn unread(pool: &BytePool, peer: IpAddr, bytes: usize) -> (AnswerEntry, Arc<Unsent>) {
    let share = pool.connect_from(peer);
    let permit = parking_lot::Mutex::new(permit(&share, Purpose::Answer, bytes).ok());
    let (is_stuck, closed) = (peer == STUCK_PEER, AtomicBool::default());
    let answer = Arc::new(Unsent { permit, peer, is_stuck, closed });
    (share.list_answer(&answer), answer)
}

/// A peer whose answers stay in the transport.
const STUCK_PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 99));

fn peer(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, number).into()
}

#[tokio::test]
async fn answers_that_are_not_read_make_room_for_one_that_is_asked_for() {
    let pool = pool();
    let unread = [1, 2, 3, 4].map(|n| unread(&pool, peer(n), 768 * KIB));
    let held = || unread.iter().filter(|(_, answer)| answer.held_bytes() > 0).count();
    let share = pool.connect_from(peer(5));
    let at_once = permit(&share, Purpose::Answer, 64 * KIB).unwrap();
    assert_eq!(held(), 3, "one was enough");
    let _rest = permit(&pool.connect_from(peer(6)), Purpose::Answer, 704 * KIB).unwrap();
    let mut waiting = share.new_permit(Purpose::Answer);
    let refused = waiting.grow_to(64 * KIB);
    assert_eq!(refused, Err(ShedCause::PoolFull), "nobody looks again at once");
    waiting.wait_for(64 * KIB, in_a_minute()).await.unwrap();
    assert_eq!(held(), 2);
    drop(at_once);
}

#[tokio::test]
async fn an_answer_that_is_read_makes_no_room() {
    let pool = pool();
    let shares = [1, 2, 3, 4].map(|n| pool.connect_from(peer(n)));
    let _read = shares.each_ref().map(|share| permit(share, Purpose::Answer, 768 * KIB).unwrap());
    let mut waiting = pool.connect_from(peer(5)).new_permit(Purpose::Answer);
    let wait_end = Instant::now() + 3 * LOOK_INTERVAL;
    let waited = waiting.wait_for(64 * KIB, wait_end).await;
    assert_eq!(waited, Err(ShedCause::PoolFull));
}

#[tokio::test]
async fn a_peer_that_did_not_read_has_one_share_for_all_of_its_connections_for_a_while() {
    let pool = pool();
    let _unread = [(); 4].map(|()| unread(&pool, peer(1), 768 * KIB));
    let mut in_line = pool.connect_from(peer(1)).new_permit(Purpose::Answer);
    let _one = permit(&pool.connect_from(peer(2)), Purpose::Answer, 768 * KIB).unwrap();
    // Now the peer is known to be slow. Its connections that wait share what one may take.
    in_line.wait_for(768 * KIB, in_a_minute()).await.unwrap();
    let another = permit(&pool.connect_from(peer(1)), Purpose::Answer, 8 * KIB);
    assert_eq!(another.err(), Some(ShedCause::PoolFull));
    let mut other = pool.connect_from(peer(3)).new_permit(Purpose::Answer);
    other.wait_for(64 * KIB, in_a_minute()).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_closed_if_its_peer_does_not_even_take_what_is_on_its_way() {
    let pool = pool();
    let unread = [STUCK_PEER, peer(1)].map(|peer| unread(&pool, peer, 768 * KIB));
    let _full = [2, 3].map(|n| permit(&pool.connect_from(peer(n)), Purpose::Answer, 768 * KIB));
    let is_closed = |number: usize| unread[number].1.closed.load(Ordering::Relaxed);
    let mut held = Vec::new();
    while !is_closed(0) {
        let mut waiting = pool.connect_from(peer(4)).new_permit(Purpose::Answer);
        let _ = waiting.wait_for(768 * KIB, Instant::now() + 2 * LOOK_INTERVAL).await;
        held.push(waiting);
    }
    assert!(!is_closed(1), "it was dropped too, and nothing of it is left");
}

#[derive(Debug, Clone)]
enum Step {
    Open(usize, bool),
    Grow(usize, usize),
    Shrink(usize, usize),
    Split(usize, usize),
    DropPart(usize),
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (index, bytes) = (0..64_usize, 0..2_000_000_usize);
    prop_oneof![
        (0..3_usize, any::<bool>()).prop_map(|(share, request)| Step::Open(share, request)),
        (index.clone(), bytes.clone()).prop_map(|(n, bytes)| Step::Grow(n, bytes)),
        (index.clone(), bytes.clone()).prop_map(|(n, bytes)| Step::Shrink(n, bytes)),
        (index.clone(), bytes).prop_map(|(n, bytes)| Step::Split(n, bytes)),
        index.clone().prop_map(Step::DropPart),
        index.prop_map(Step::Drop),
    ]
}

/// Takes the step, if there is a permit to take it with.
fn take(
    step: &Step,
    shares: &[ConnectionShare],
    permits: &mut Vec<Permit>,
    parts: &mut Vec<(PermitPart, usize)>,
) {
    let count = permits.len();
    match *step {
        Step::Open(share, is_request) => {
            let purpose = if is_request { Purpose::Request } else { Purpose::Answer };
            permits.push(shares[share].new_permit(purpose));
        }
        _ if permits.is_empty() => {}
        Step::Grow(n, bytes) => drop(permits[n % count].grow_to(bytes)),
        Step::Shrink(n, bytes) => permits[n % count].shrink_to(bytes),
        Step::Split(n, bytes) => {
            let before_bytes = permits[n % count].held_bytes();
            if let Some(part) = permits[n % count].split(bytes) {
                parts.push((part, before_bytes - permits[n % count].held_bytes()));
            }
        }
        Step::DropPart(n) if !parts.is_empty() => drop(parts.swap_remove(n % parts.len())),
        Step::DropPart(_) => {}
        Step::Drop(n) => drop(permits.swap_remove(n % count)),
    }
}

proptest! {
    #[test]
    fn whatever_is_done_the_pool_knows_what_is_held_and_gets_all_of_it_back(
        steps in prop::collection::vec(step(), 0..200)
    ) {
        let pool = pool();
        let shares: Vec<_> = (0..3).map(|_| pool.connect()).collect();
        let (mut permits, mut parts) = (Vec::new(), Vec::new());
        for step in &steps {
            take(step, &shares, &mut permits, &mut parts);
            let of_permits: usize = permits.iter().map(Permit::held_bytes).sum();
            let of_parts: usize = parts.iter().map(|(_, bytes)| bytes).sum();
            prop_assert_eq!(pool.stats().held_bytes, (of_permits + of_parts) as u64);
            prop_assert!(pool.stats().held_bytes <= BYTES);
        }
        drop((permits, parts));
        prop_assert_eq!(pool.stats().held_bytes, 0);
        let purposes = [Purpose::Request, Purpose::Answer];
        for (share, purpose) in shares.iter().zip(purposes) {
            prop_assert!(permit(share, purpose, usize::MAX).is_ok(), "a share is free again");
        }
    }
}
