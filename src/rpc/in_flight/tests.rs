//! Who gets room, who waits, and what waiting costs.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use prost::bytes::Buf;
use tonic::Code;
use tonic::metadata::MetadataMap;
use tonic_types::StatusExt;

use super::*;

const BUDGET: usize = 64 << 10;

impl InFlight {
    pub(super) fn free_bytes(&self) -> usize {
        self.free.available_permits()
    }
}

pub(super) fn in_flight() -> InFlight {
    InFlight::new(BUDGET as u64)
}

/// Writes an answer that takes just so much.
pub(super) fn fill(parcel: &mut Parcel, kib: usize) {
    let frame = vec![b'x'; kib << 10];
    parcel.put(&frame[5..]);
}

/// A parcel with room enough for whatever is written.
pub(in crate::rpc) fn ample(write: impl FnOnce(&mut Parcel)) -> Parcel {
    let ample = InFlight::new(1 << 30);
    let mut parcel = Parcel::new(Room::new(ample.budget_bytes, ample.free, None));
    write(&mut parcel);
    parcel
}

/// What is written when there is room enough, without its frame.
pub(in crate::rpc) fn written(write: impl FnOnce(&mut Parcel)) -> Vec<u8> {
    let parcel = ample(write);
    let message_bytes = parcel.message_bytes();
    let mut sealed = parcel.seal().unwrap();
    let mut frame = Vec::new();
    while let Some(piece) = sealed.next_piece() {
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

async fn answer(in_flight: &InFlight, kib: usize) -> Result<Response<()>, Status> {
    let write = |_, parcel: &mut Parcel| {
        fill(parcel, kib);
        Ok(())
    };
    in_flight.answer(Deadline::default(), write).await
}

/// The answer of a call that does not have to wait.
pub(super) fn at_once(in_flight: &InFlight, kib: usize) -> Response<()> {
    let Poll::Ready(answer) = poll(pin!(answer(in_flight, kib))) else { panic!("{kib} KiB wait") };
    answer.unwrap()
}

/// The deadline of a call that is as good as over.
fn hurried() -> Deadline {
    let mut metadata = MetadataMap::new();
    metadata.insert("grpc-timeout", "1m".parse().unwrap());
    Deadline::of(&metadata)
}

#[test]
fn an_answer_takes_its_size_until_it_is_dropped() {
    let in_flight = in_flight();
    let one = at_once(&in_flight, 40);
    let other = at_once(&in_flight, 17);
    assert_eq!(in_flight.free_bytes(), 0, "whole pieces of 8 KiB");
    drop(one);
    assert_eq!(in_flight.free_bytes(), 40 << 10);
    drop(other);
    assert_eq!(in_flight.free_bytes(), BUDGET);
}

#[test]
fn what_is_written_in_parts_is_sent_as_it_was_written() {
    for part_bytes in [1, 7, 500, 4_000, 8_192, 30_000] {
        let text: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let sent = written(|parcel| text.chunks(part_bytes).for_each(|part| parcel.put(part)));
        assert!(sent == text, "in parts of {part_bytes}");
    }
}

#[tokio::test]
async fn what_does_not_fit_waits_and_nobody_is_overtaken_but_by_small_answers() {
    let in_flight = in_flight();
    let first = at_once(&in_flight, 40);
    let mut second = pin!(answer(&in_flight, 32));
    let mut third = pin!(answer(&in_flight, 8));
    assert!(poll(second.as_mut()).is_pending());
    assert!(poll(third.as_mut()).is_pending(), "it would fit, and it came later");
    at_once(&in_flight, 4);
    drop(first);
    assert!(poll(second.as_mut()).is_ready());
    assert!(poll(third.as_mut()).is_ready());
}

#[test]
fn an_answer_larger_than_the_budget_takes_all_of_it() {
    let in_flight = in_flight();
    let answer = at_once(&in_flight, 640);
    assert_eq!(in_flight.free_bytes(), 0);
    drop(answer);
    assert_eq!(in_flight.free_bytes(), BUDGET);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_behind() {
    let in_flight = in_flight();
    let first = at_once(&in_flight, 40);
    {
        let mut gone = pin!(answer(&in_flight, 56));
        assert!(poll(gone.as_mut()).is_pending());
    }
    drop(at_once(&in_flight, 24));
    drop(first);
    assert_eq!(in_flight.free_bytes(), BUDGET);
}

#[tokio::test]
async fn whoever_waited_looks_again_and_takes_what_it_needs_then() {
    let in_flight = in_flight();
    let first = at_once(&in_flight, 40);
    let (looks, found_kib) = (RefCell::new(Vec::new()), Cell::new(32));
    let look_up = |look, parcel: &mut Parcel| {
        looks.borrow_mut().push(look);
        fill(parcel, found_kib.get());
        Ok(())
    };
    let mut waiting = pin!(in_flight.answer::<()>(Deadline::default(), look_up));
    assert!(poll(waiting.as_mut()).is_pending());
    found_kib.set(16);
    drop(first);
    let Poll::Ready(answer) = poll(waiting) else { panic!("there is room") };
    assert_eq!(*looks.borrow(), [Look::First, Look::Again]);
    assert_eq!(in_flight.free_bytes(), BUDGET - (16 << 10));
    drop(answer);
    assert_eq!(in_flight.free_bytes(), BUDGET);
}

#[tokio::test]
async fn whoever_finds_more_than_it_waited_for_waits_for_that() {
    let in_flight = in_flight();
    let first = at_once(&in_flight, 40);
    let found_kib = Cell::new(32);
    let look_up = |_, parcel: &mut Parcel| {
        fill(parcel, found_kib.get());
        Ok(())
    };
    let mut waiting = pin!(in_flight.answer::<()>(Deadline::default(), look_up));
    assert!(poll(waiting.as_mut()).is_pending());
    drop(first);
    assert_eq!(in_flight.free_bytes(), 32 << 10, "its turn has come");
    let other = at_once(&in_flight, 32);
    found_kib.set(48);
    assert!(poll(waiting.as_mut()).is_pending());
    drop(other);
    assert!(poll(waiting).is_ready());
}

#[test]
fn an_answer_that_waits_holds_nothing() {
    let in_flight = in_flight();
    let held = at_once(&in_flight, 40);
    let room = Room::new(in_flight.budget_bytes, Arc::clone(&in_flight.free), None);
    let mut parcel = Parcel::new(room);
    fill(&mut parcel, 32);
    assert_eq!(in_flight.free_bytes(), 24 << 10, "it took some and gave it back");
    assert_eq!(parcel.seal().err(), Some(32 << 10));
    drop(held);
}

#[tokio::test]
async fn who_finds_no_room_in_time_is_told_when_to_ask_again() {
    let in_flight = in_flight();
    let held = at_once(&in_flight, 40);
    let look_up = |_, parcel: &mut Parcel| {
        fill(parcel, 32);
        Ok(())
    };
    let refused = in_flight.answer::<()>(hurried(), look_up).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "ERROR_REASON_NO_ROOM");
    assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
    drop(held);
    assert_eq!(in_flight.free_bytes(), BUDGET);
}

#[tokio::test]
async fn an_error_takes_no_room() {
    let in_flight = in_flight();
    let fail = |_, parcel: &mut Parcel| {
        fill(parcel, 32);
        Err(Status::not_found("no table"))
    };
    assert!(in_flight.answer::<()>(Deadline::default(), fail).await.is_err());
    assert_eq!(in_flight.free_bytes(), BUDGET);
}
