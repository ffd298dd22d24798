//! Which calls get room, which wait, and what waiting costs.

use std::cell::{Cell, RefCell};
use std::net::Ipv4Addr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tonic::Code;
use tonic::codegen::http::HeaderMap;
use tonic_types::StatusExt;

use super::*;
use crate::rpc::costs::Costs;
use crate::rpc::pool::BytePool;
use crate::rpc::response::fill;

/// One connection may hold this much of the pool for answers.
const SHARE_KIB: u64 = 96;

fn pool() -> BytePool {
    BytePool::new(512 << 10)
}

fn free_kib(pool: &BytePool) -> u64 {
    SHARE_KIB - (pool.stats().held_bytes >> 10)
}

fn costs() -> ConnectionCosts {
    Costs::new(["services".to_owned()]).of_connection(Ipv4Addr::LOCALHOST.into())
}

fn call(share: &ConnectionShare) -> Call {
    Call::new(Deadline::default(), share.clone(), Caller::unrestricted(), costs())
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn respond(share: &ConnectionShare, kib: usize) -> Result<FinishedResponse, Status> {
    let write = |_, buffer: &mut ResponseBuffer| {
        fill(buffer, kib);
        Ok(())
    };
    call(share).respond(write).await
}

/// The response of a call that does not have to wait.
fn respond_at_once(share: &ConnectionShare, kib: usize) -> FinishedResponse {
    let response = poll(pin!(respond(share, kib)));
    let Poll::Ready(response) = response else { panic!("{kib} KiB wait") };
    response.unwrap()
}

#[test]
fn a_response_holds_its_size_until_it_is_dropped() {
    let pool = pool();
    let share = pool.connect();
    let one = respond_at_once(&share, 40);
    let other = respond_at_once(&share, 53);
    assert_eq!(free_kib(&pool), 0, "whole pieces of 4 KiB");
    drop(one);
    assert_eq!(free_kib(&pool), 40);
    drop(other);
    assert_eq!(free_kib(&pool), SHARE_KIB);
}

#[tokio::test]
async fn a_response_that_does_not_fit_waits_and_only_small_ones_overtake_it() {
    let share = pool().connect();
    let first = respond_at_once(&share, 72);
    let mut second = pin!(respond(&share, 32));
    let mut third = pin!(respond(&share, 8));
    assert!(poll(second.as_mut()).is_pending());
    assert!(poll(third.as_mut()).is_pending(), "it would fit, but it came later");
    respond_at_once(&share, 4);
    drop(first);
    assert!(poll(second.as_mut()).is_ready());
    assert!(poll(third.as_mut()).is_ready());
}

#[test]
fn a_response_larger_than_the_share_takes_all_of_it() {
    let pool = pool();
    let share = pool.connect();
    let response = respond_at_once(&share, 640);
    assert_eq!(free_kib(&pool), 0);
    drop(response);
    assert_eq!(free_kib(&pool), SHARE_KIB);
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_waits_holds_nothing() {
    let pool = pool();
    let share = pool.connect();
    let first = respond_at_once(&share, 72);
    {
        let mut cancelled = pin!(respond(&share, 56));
        assert!(poll(cancelled.as_mut()).is_pending());
    }
    drop(respond_at_once(&share, 24));
    drop(first);
    assert_eq!(free_kib(&pool), SHARE_KIB);
}

#[tokio::test]
async fn a_call_that_waited_looks_up_again_and_holds_what_it_needs_then() {
    let pool = pool();
    let share = pool.connect();
    let first = respond_at_once(&share, 72);
    let (attempts, found_kib) = (RefCell::new(Vec::new()), Cell::new(32));
    let look_up = |attempt, buffer: &mut ResponseBuffer| {
        attempts.borrow_mut().push(attempt);
        fill(buffer, found_kib.get());
        Ok(())
    };
    let call = call(&share);
    let mut waiting = pin!(call.respond(look_up));
    assert!(poll(waiting.as_mut()).is_pending());
    found_kib.set(16);
    drop(first);
    let Poll::Ready(response) = poll(waiting) else { panic!("there is room") };
    assert_eq!(*attempts.borrow(), [Attempt::First, Attempt::Retry]);
    assert_eq!(free_kib(&pool), SHARE_KIB - 16);
    drop(response);
    assert_eq!(free_kib(&pool), SHARE_KIB);
}

#[tokio::test]
async fn a_call_that_finds_more_than_it_waited_for_waits_again() {
    let share = pool().connect();
    let first = respond_at_once(&share, 72);
    let found_kib = Cell::new(32);
    let look_up = |_, buffer: &mut ResponseBuffer| {
        fill(buffer, found_kib.get());
        Ok(())
    };
    let call = call(&share);
    let mut waiting = pin!(call.respond(look_up));
    assert!(poll(waiting.as_mut()).is_pending());
    drop(first);
    let other = respond_at_once(&share, 64);
    found_kib.set(48);
    assert!(poll(waiting.as_mut()).is_pending());
    drop(other);
    assert!(poll(waiting).is_ready());
}

#[tokio::test]
async fn a_call_that_gets_no_room_in_time_fails_and_may_retry() {
    let pool = pool();
    let share = pool.connect();
    let held = respond_at_once(&share, 72);
    let mut headers = HeaderMap::new();
    headers.insert("grpc-timeout", "1m".parse().unwrap());
    let deadline = Deadline::of(&headers);
    let call = Call::new(deadline, share.clone(), Caller::unrestricted(), costs());
    let look_up = |_, buffer: &mut ResponseBuffer| {
        fill(buffer, 32);
        Ok(())
    };
    let refused = call.respond(look_up).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let reason = refused.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "ERROR_REASON_BYTE_POOL_FULL");
    assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
    assert!(pool.stats().shed_calls.contains(&(ShedCause::PoolFull, 1)));
    drop(held);
    assert_eq!(free_kib(&pool), SHARE_KIB);
}

#[tokio::test]
async fn a_large_call_is_refused_at_once_while_memory_is_short_and_a_small_one_is_served() {
    let pool = pool();
    let share = pool.connect();
    pool.shed(1);
    let Poll::Ready(refused) = poll(pin!(respond(&share, 32))) else { panic!("it waits") };
    let reason = refused.unwrap_err().get_details_error_info().unwrap().reason;
    assert_eq!(reason, "ERROR_REASON_MEMORY_SHORT");
    respond_at_once(&share, 4);
}

#[tokio::test]
async fn an_error_holds_nothing() {
    let pool = pool();
    let share = pool.connect();
    let fail = |_, buffer: &mut ResponseBuffer| {
        fill(buffer, 32);
        Err(Status::not_found("no table"))
    };
    assert!(call(&share).respond(fail).await.is_err());
    assert_eq!(free_kib(&pool), SHARE_KIB);
}
