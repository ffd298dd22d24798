//! How many snapshots are taken, and who shares them.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;

use super::*;
use crate::heap::Account;

/// Scrapes that count the snapshots in the uptime, in seconds.
fn scrapes() -> (Scrapes, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let take = move || Snapshot {
        uptime: Duration::from_secs(counted.fetch_add(1, Ordering::SeqCst)),
        ..Snapshot::example()
    };
    let thread = IdleThread::start("scrapes", &Account::open().unwrap()).unwrap();
    (Scrapes::new(Arc::new(take), thread), count)
}

#[tokio::test]
async fn a_thousand_scrapes_at_once_share_a_snapshot_and_at_most_four_are_taken_a_second() {
    let (scrapes, count) = scrapes();
    let began = Instant::now();
    let mut snapshots = join_all((0..1_000).map(|_| scrapes.current())).await;
    while snapshots.last().unwrap().uptime < Duration::from_secs(3) {
        tokio::task::yield_now().await;
        snapshots.push(scrapes.current().await);
    }
    // The first was taken before, and the others each after a quarter of a second.
    assert!(began.elapsed() > INTERVAL * 2, "{:?}", began.elapsed());
    assert_eq!(count.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_scrape_gets_no_snapshot_that_is_older_than_a_quarter_of_a_second() {
    let (scrapes, _) = scrapes();
    let first = scrapes.current().await;
    let began = scrapes.0.latest.borrow().began;
    while began.elapsed() < INTERVAL {
        tokio::task::yield_now().await;
    }
    let second = scrapes.current().await;
    assert!(second.uptime > first.uptime, "{:?}", second.uptime);
}

#[test]
fn no_snapshot_is_taken_that_nobody_asks_for() {
    let requests = Requests::default();
    requests.add();
    assert!(requests.wait_for_one(Instant::now()));
    assert!(!requests.state.lock().is_requested);
}

#[test]
fn the_thread_ends_at_once_when_there_are_no_more_scrapes() {
    let (scrapes, _) = scrapes();
    let (requests, latest) = (Arc::clone(&scrapes.0.requests), scrapes.0.latest.clone());
    drop(scrapes);
    assert!(!requests.wait_for_one(Instant::now() + Duration::from_secs(3_600)));
    while latest.has_changed().is_ok() {
        std::thread::yield_now();
    }
}
