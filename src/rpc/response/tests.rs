//! Which calls get a permit, which wait, and what waiting costs.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use prost::bytes::Buf;
use tonic::Code;
use tonic::metadata::MetadataMap;
use tonic_types::StatusExt;

use super::*;

const BUDGET: usize = 64 << 10;

impl ResponseBudget {
    pub(super) fn free_bytes(&self) -> usize {
        self.free.available_permits()
    }
}

pub(super) fn budget() -> ResponseBudget {
    ResponseBudget::new(BUDGET as u64)
}

/// Writes a response of exactly this size.
pub(super) fn fill(buffer: &mut ResponseBuffer, kib: usize) {
    let frame = vec![b'x'; kib << 10];
    buffer.put(&frame[5..]);
}

/// A buffer with all that is written, under a budget that is large enough.
pub(in crate::rpc) fn buffered(write: impl FnOnce(&mut ResponseBuffer)) -> ResponseBuffer {
    let mut buffer = ResponseBuffer::new(ResponseBudget::new(1 << 30).empty_permit());
    write(&mut buffer);
    buffer
}

/// The message that is written, without its frame header, under a budget that is large enough.
pub(in crate::rpc) fn encoded(write: impl FnOnce(&mut ResponseBuffer)) -> Vec<u8> {
    let buffer = buffered(write);
    let message_bytes = buffer.message_bytes();
    let mut pieces = buffer.finish().unwrap();
    let mut frame = Vec::new();
    while let Some(piece) = pieces.next_piece() {
        frame.extend_from_slice(&piece);
    }
    let mut header = frame.as_slice();
    assert_eq!(header.get_u8(), 0, "it is not compressed");
    assert_eq!(header.get_u32() as usize, message_bytes);
    assert_eq!(header.len(), message_bytes);
    frame.split_off(5)
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn respond(budget: &ResponseBudget, kib: usize) -> Result<Response<()>, Status> {
    let write = |_, buffer: &mut ResponseBuffer| {
        fill(buffer, kib);
        Ok(())
    };
    budget.respond(Deadline::default(), write).await
}

/// The response of a call that does not have to wait.
pub(super) fn respond_at_once(budget: &ResponseBudget, kib: usize) -> Response<()> {
    let response = poll(pin!(respond(budget, kib)));
    let Poll::Ready(response) = response else { panic!("{kib} KiB wait") };
    response.unwrap()
}

/// The deadline of a call that is nearly over.
fn short_deadline() -> Deadline {
    let mut metadata = MetadataMap::new();
    metadata.insert("grpc-timeout", "1m".parse().unwrap());
    Deadline::of(&metadata)
}

#[test]
fn a_response_holds_its_size_until_it_is_dropped() {
    let budget = budget();
    let one = respond_at_once(&budget, 40);
    let other = respond_at_once(&budget, 17);
    assert_eq!(budget.free_bytes(), 0, "whole pieces of 8 KiB");
    drop(one);
    assert_eq!(budget.free_bytes(), 40 << 10);
    drop(other);
    assert_eq!(budget.free_bytes(), BUDGET);
}

#[test]
fn bytes_that_are_written_in_parts_are_sent_in_their_order() {
    for part_bytes in [1, 7, 500, 4_000, 8_192, 30_000] {
        let text: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let sent = encoded(|buffer| text.chunks(part_bytes).for_each(|part| buffer.put(part)));
        assert!(sent == text, "in parts of {part_bytes}");
    }
}

#[tokio::test]
async fn a_response_that_does_not_fit_waits_and_only_small_ones_overtake_it() {
    let budget = budget();
    let first = respond_at_once(&budget, 40);
    let mut second = pin!(respond(&budget, 32));
    let mut third = pin!(respond(&budget, 8));
    assert!(poll(second.as_mut()).is_pending());
    assert!(poll(third.as_mut()).is_pending(), "it would fit, but it came later");
    respond_at_once(&budget, 4);
    drop(first);
    assert!(poll(second.as_mut()).is_ready());
    assert!(poll(third.as_mut()).is_ready());
}

#[test]
fn a_response_larger_than_the_budget_takes_all_of_it() {
    let budget = budget();
    let response = respond_at_once(&budget, 640);
    assert_eq!(budget.free_bytes(), 0);
    drop(response);
    assert_eq!(budget.free_bytes(), BUDGET);
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_waits_holds_nothing() {
    let budget = budget();
    let first = respond_at_once(&budget, 40);
    {
        let mut cancelled = pin!(respond(&budget, 56));
        assert!(poll(cancelled.as_mut()).is_pending());
    }
    drop(respond_at_once(&budget, 24));
    drop(first);
    assert_eq!(budget.free_bytes(), BUDGET);
}

#[tokio::test]
async fn a_call_that_waited_looks_up_again_and_holds_what_it_needs_then() {
    let budget = budget();
    let first = respond_at_once(&budget, 40);
    let (attempts, found_kib) = (RefCell::new(Vec::new()), Cell::new(32));
    let look_up = |attempt, buffer: &mut ResponseBuffer| {
        attempts.borrow_mut().push(attempt);
        fill(buffer, found_kib.get());
        Ok(())
    };
    let mut waiting = pin!(budget.respond::<()>(Deadline::default(), look_up));
    assert!(poll(waiting.as_mut()).is_pending());
    found_kib.set(16);
    drop(first);
    let Poll::Ready(response) = poll(waiting) else { panic!("there is room") };
    assert_eq!(*attempts.borrow(), [Attempt::First, Attempt::Retry]);
    assert_eq!(budget.free_bytes(), BUDGET - (16 << 10));
    drop(response);
    assert_eq!(budget.free_bytes(), BUDGET);
}

#[tokio::test]
async fn a_call_that_finds_more_than_it_waited_for_waits_again() {
    let budget = budget();
    let first = respond_at_once(&budget, 40);
    let found_kib = Cell::new(32);
    let look_up = |_, buffer: &mut ResponseBuffer| {
        fill(buffer, found_kib.get());
        Ok(())
    };
    let mut waiting = pin!(budget.respond::<()>(Deadline::default(), look_up));
    assert!(poll(waiting.as_mut()).is_pending());
    drop(first);
    assert_eq!(budget.free_bytes(), 32 << 10, "the waiting call was given its permit");
    let other = respond_at_once(&budget, 32);
    found_kib.set(48);
    assert!(poll(waiting.as_mut()).is_pending());
    drop(other);
    assert!(poll(waiting).is_ready());
}

#[test]
fn a_response_that_has_to_wait_holds_nothing() {
    let budget = budget();
    let held = respond_at_once(&budget, 40);
    let mut buffer = ResponseBuffer::new(budget.empty_permit());
    fill(&mut buffer, 32);
    assert_eq!(budget.free_bytes(), 24 << 10, "it took some bytes and gave them back");
    assert_eq!(buffer.finish().err(), Some(PermitTooSmall { needed_bytes: 32 << 10 }));
    drop(held);
}

#[tokio::test]
async fn a_call_that_gets_no_permit_in_time_fails_and_may_retry() {
    let budget = budget();
    let held = respond_at_once(&budget, 40);
    let look_up = |_, buffer: &mut ResponseBuffer| {
        fill(buffer, 32);
        Ok(())
    };
    let refused = budget.respond::<()>(short_deadline(), look_up).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let reason = refused.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "ERROR_REASON_RESPONSE_BUFFER_FULL");
    assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
    drop(held);
    assert_eq!(budget.free_bytes(), BUDGET);
}

#[tokio::test]
async fn an_error_holds_nothing() {
    let budget = budget();
    let fail = |_, buffer: &mut ResponseBuffer| {
        fill(buffer, 32);
        Err(Status::not_found("no table"))
    };
    assert!(budget.respond::<()>(Deadline::default(), fail).await.is_err());
    assert_eq!(budget.free_bytes(), BUDGET);
}
