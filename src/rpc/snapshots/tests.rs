//! Who shares a snapshot, and what it shows.

use std::thread;
use std::time::Duration;

use tokio::sync::oneshot::channel;

use super::*;

#[test]
fn calls_that_wait_share_the_next_snapshot_and_later_ones_do_not() {
    let line = Line::default();
    let (first, mut of_first) = channel();
    let (second, mut of_second) = channel();
    assert!(line.push(first) && line.push(second));
    let waiting = line.take().unwrap();
    let (later, mut of_later) = channel();
    assert!(line.push(later));
    for call in waiting {
        call.send(Bytes::from_static(b"one")).unwrap();
    }
    assert_eq!(
        (of_first.try_recv().unwrap(), of_second.try_recv().unwrap()),
        (Bytes::from_static(b"one"), Bytes::from_static(b"one"))
    );
    assert!(of_later.try_recv().is_err(), "it may have come after the snapshot began");
    assert_eq!(line.take().unwrap().len(), 1);
}

#[test]
fn calls_that_have_ended_make_room_and_no_more_wait_than_there_is_room_for() {
    let line = Line::default();
    let mut calls: Vec<_> = (0..MAX_WAITING)
        .map(|_| {
            let (call, waiting) = channel();
            assert!(line.push(call));
            waiting
        })
        .collect();
    assert!(!line.push(channel().0));
    calls.pop();
    assert!(line.push(channel().0));
}

#[test]
fn a_thread_that_rests_ends_at_once_when_there_are_no_more_calls() {
    let line = Arc::new(Line::default());
    let resting = thread::spawn({
        let line = Arc::clone(&line);
        move || {
            line.rest_until(Instant::now() + Duration::from_secs(3_600));
            line.take().is_none()
        }
    });
    drop(Snapshots(line));
    assert!(resting.join().unwrap());
}

#[test]
fn a_call_during_the_rest_does_not_shorten_it() {
    let line = Line::default();
    let end = Instant::now() + Duration::from_millis(50);
    assert!(line.push(channel().0));
    line.rest_until(end);
    assert!(Instant::now() >= end);
    assert_eq!(line.take().unwrap().len(), 1);
}
