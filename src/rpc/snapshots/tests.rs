//! Who shares a snapshot, and what it shows.

use std::thread;
use std::time::Duration;

use tokio::sync::oneshot::{Receiver, channel};

use super::*;

fn call(due: Instant) -> (Call, Receiver<Bytes>) {
    let (reply, answer) = channel();
    (Call { due, reply }, answer)
}

fn taken(began: Instant) -> Taken {
    Taken { began, snapshot: Bytes::from_static(b"one") }
}

/// Adds a call that came just now.
fn push(line: &Line) -> Receiver<Bytes> {
    let (call, answer) = call(Instant::now());
    assert!(line.push(call));
    answer
}

#[test]
fn calls_that_wait_share_the_next_snapshot_and_later_ones_do_not() {
    let line = Line::default();
    let [mut of_first, mut of_second] = [push(&line), push(&line)];
    assert!(line.wait());
    let began = Instant::now();
    let (later, mut of_later) = call(began + Duration::from_nanos(1));
    assert!(line.push(later));
    line.answer(&taken(began));
    assert_eq!(
        (of_first.try_recv().unwrap(), of_second.try_recv().unwrap()),
        (Bytes::from_static(b"one"), Bytes::from_static(b"one"))
    );
    assert!(of_later.try_recv().is_err(), "it came after the snapshot began");
    line.answer(&taken(Instant::now()));
    assert!(of_later.try_recv().is_ok());
}

#[test]
fn a_call_for_a_tick_shares_a_snapshot_that_began_after_the_tick_and_before_the_call() {
    let line = Line::default();
    let tick = Instant::now();
    let began = tick + Duration::from_nanos(1);
    let (call, mut answer) = call(tick);
    assert!(line.push(call));
    line.answer(&taken(began));
    assert!(answer.try_recv().is_ok());
}

#[test]
fn calls_that_have_ended_make_room_and_no_more_wait_than_there_is_room_for() {
    let line = Line::default();
    let mut calls: Vec<_> = (0..MAX_WAITING).map(|_| push(&line)).collect();
    assert!(!line.push(call(Instant::now()).0));
    calls.pop();
    assert!(line.push(call(Instant::now()).0));
}

#[test]
fn a_thread_that_rests_ends_at_once_when_there_are_no_more_calls() {
    let line = Arc::new(Line::default());
    let resting = thread::spawn({
        let line = Arc::clone(&line);
        move || {
            line.rest_until(Instant::now() + Duration::from_secs(3_600));
            line.wait()
        }
    });
    drop(Snapshots { line, epoch: TokioInstant::now() });
    assert!(!resting.join().unwrap());
}

#[test]
fn a_call_during_the_rest_does_not_shorten_it() {
    let line = Line::default();
    let end = Instant::now() + Duration::from_millis(50);
    let _answer = push(&line);
    line.rest_until(end);
    assert!(Instant::now() >= end);
    assert!(line.wait());
}

#[tokio::test]
async fn those_who_watch_share_the_last_snapshot_and_it_is_kept_for_nobody_else() {
    let line = Arc::new(Line::default());
    let snapshots = Arc::new(Snapshots { line, epoch: TokioInstant::now() });
    let tick = TokioInstant::now();
    snapshots.line.answer(&taken(Instant::now()));
    assert!(snapshots.line.last_since(tick.into_std()).is_none(), "nobody watches");
    let [one, other] = [(), ()].map(|()| Snapshots::watch(&snapshots));
    snapshots.line.answer(&taken(Instant::now()));
    for watch in [&one, &other] {
        let snapshot = watch.since(tick, Deadline::default()).await.unwrap();
        assert_eq!(snapshot, Bytes::from_static(b"one"));
    }
    assert!(snapshots.line.state.lock().waiting.is_empty(), "no other was asked for");
    let later = TokioInstant::now();
    assert!(snapshots.line.last_since(later.into_std()).is_none(), "it began before");
    drop((one, other));
    assert!(snapshots.line.state.lock().last.is_none(), "nobody watches any more");
}
