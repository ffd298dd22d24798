//! Who gets room, who waits, and what waiting costs.

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use super::*;

const BUDGET: usize = 64 << 10;

impl InFlight {
    pub(in crate::rpc) fn free_bytes(&self) -> usize {
        self.free.available_permits()
    }
}

fn in_flight() -> InFlight {
    InFlight::new(BUDGET as u64)
}

/// A text whose answer is exactly so large.
fn text(answer_bytes: usize) -> String {
    let frame = "x".repeat(answer_bytes).encoded_len() - answer_bytes;
    "x".repeat(answer_bytes - frame)
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The answer of a call that does not have to wait.
fn at_once(in_flight: &InFlight, bytes: usize) -> Response<String> {
    let answer = pin!(in_flight.answer(|_| Ok(text(bytes))));
    let Poll::Ready(answer) = poll(answer) else { panic!("{bytes} bytes wait") };
    answer.unwrap()
}

#[test]
fn an_answer_takes_its_size_until_it_is_dropped() {
    let in_flight = in_flight();
    let one = at_once(&in_flight, 40_000);
    let other = at_once(&in_flight, 20_000);
    assert_eq!(in_flight.free_bytes(), BUDGET - 60_000);
    drop(one);
    assert_eq!(in_flight.free_bytes(), BUDGET - 20_000);
    drop(other);
    assert_eq!(in_flight.free_bytes(), BUDGET);
}

#[test]
fn what_does_not_fit_waits_and_nobody_is_overtaken_but_by_small_answers() {
    let in_flight = in_flight();
    let first = at_once(&in_flight, 40_000);
    let mut second = pin!(in_flight.answer(|_| Ok(text(30_000))));
    let mut third = pin!(in_flight.answer(|_| Ok(text(5_000))));
    assert!(poll(second.as_mut()).is_pending());
    assert!(poll(third.as_mut()).is_pending(), "it would fit, and it came later");
    at_once(&in_flight, SMALL_BYTES);
    drop(first);
    assert!(poll(second.as_mut()).is_ready());
    assert!(poll(third.as_mut()).is_ready());
}

#[test]
fn an_answer_larger_than_the_budget_takes_all_of_it() {
    let in_flight = in_flight();
    let answer = at_once(&in_flight, 10 * BUDGET);
    assert_eq!(in_flight.free_bytes(), 0);
    drop(answer);
    assert_eq!(in_flight.free_bytes(), BUDGET);
}

#[test]
fn a_caller_that_goes_away_leaves_nothing_behind() {
    let in_flight = in_flight();
    let first = at_once(&in_flight, 40_000);
    {
        let mut gone = pin!(in_flight.answer(|_| Ok(text(60_000))));
        assert!(poll(gone.as_mut()).is_pending());
    }
    drop(at_once(&in_flight, BUDGET - 40_000));
    drop(first);
    assert_eq!(in_flight.free_bytes(), BUDGET);
}

#[test]
fn whoever_waited_looks_again_and_takes_what_it_needs_then() {
    let in_flight = in_flight();
    let first = at_once(&in_flight, 40_000);
    let (looks, found_bytes) = (RefCell::new(Vec::new()), RefCell::new(30_000));
    let look_up = |look| {
        looks.borrow_mut().push(look);
        Ok(text(*found_bytes.borrow()))
    };
    let mut waiting = pin!(in_flight.answer(look_up));
    assert!(poll(waiting.as_mut()).is_pending());
    *found_bytes.borrow_mut() = 10_000;
    drop(first);
    let Poll::Ready(answer) = poll(waiting) else { panic!("there is room") };
    assert_eq!(*looks.borrow(), [Look::First, Look::Again]);
    assert_eq!(in_flight.free_bytes(), BUDGET - 10_000);
    drop(answer);
    assert_eq!(in_flight.free_bytes(), BUDGET);
}

#[test]
fn whoever_finds_more_than_it_waited_for_waits_for_that() {
    let in_flight = in_flight();
    let first = at_once(&in_flight, 40_000);
    let found_bytes = RefCell::new(30_000);
    let mut waiting = pin!(in_flight.answer(|_| Ok(text(*found_bytes.borrow()))));
    assert!(poll(waiting.as_mut()).is_pending());
    drop(first);
    assert_eq!(in_flight.free_bytes(), BUDGET - 30_000, "its turn has come");
    let other = at_once(&in_flight, 30_000);
    *found_bytes.borrow_mut() = 50_000;
    assert!(poll(waiting.as_mut()).is_pending());
    drop(other);
    assert!(poll(waiting).is_ready());
}

#[tokio::test]
async fn an_error_takes_no_room() {
    let in_flight = in_flight();
    let refused = in_flight.answer::<String>(|_| Err(Status::not_found("no table"))).await;
    assert!(refused.is_err());
    assert_eq!(in_flight.free_bytes(), BUDGET);
}
