//! What a watch and the answers of a service make of the copies.

use prost_types::Timestamp;

use super::*;
use crate::v1::{Origin, StoredEntry, WatchStarted};

const SECOND: Duration = Duration::from_secs(1);

fn entry(key: &str, offset: i64) -> Entry {
    let origin = Some(Origin { partition: 0, offset, record_time: None });
    Entry { key: key.into(), origin, ..Entry::default() }
}

fn stored(key: &str, offset: i64) -> Event {
    Event::Stored(StoredEntry { entry: Some(entry(key, offset)), replaced: true })
}

fn removed(key: &str, offset: i64, cause: RemovalCause, deleted_by: Option<i64>) -> Event {
    let deleted_by = deleted_by.map(|offset| PartitionOffset { partition: 0, offset });
    let origin = Some(Origin { partition: 0, offset, record_time: None });
    let (key, cause) = (key.to_owned(), cause.into());
    Event::Removed(RemovedEntry { key, cause, origin, deleted_by, expire_time: None })
}

fn progress(offset: i64, since_start: Duration, staleness: Duration) -> Event {
    Event::Progress(WatchProgress {
        positions: vec![PartitionOffset { partition: 0, offset }],
        as_of: Some(as_of(Some(staleness))),
        since_start: since_start.try_into().ok(),
    })
}

fn as_of(staleness: Option<Duration>) -> AsOf {
    let staleness = staleness.map(|staleness| staleness.try_into().unwrap());
    AsOf { ready: true, newest_record_time: None, staleness }
}

fn found(offset: i64) -> Outcome {
    Outcome::Entry(entry("a", offset))
}

fn miss(reason: MissReason) -> Outcome {
    Outcome::Miss(Miss { reason: reason.into(), time: None, deleted_by: None })
}

/// Copies of which the watch has told how far it is.
fn watched() -> Mutex<Copies> {
    let mut copies = Copies::new(1 << 20);
    copies.apply(Event::Started(WatchStarted::default()), Instant::now());
    copies.apply(progress(10, Duration::ZERO, SECOND), Instant::now());
    Mutex::new(copies)
}

fn fetched(copies: &Mutex<Copies>, key: &str, outcome: Outcome, meanwhile: Option<Event>) {
    let (fetch, now) = (Fetch::begin(copies, key), Instant::now());
    if let Some(event) = meanwhile {
        lock(copies).apply(event, now);
    }
    let result = Some(LookupResult { outcome: Some(outcome) });
    let answer = fetch.end(GetResponse { result, as_of: Some(as_of(None)) }, now).unwrap();
    assert!(!answer.is_near);
}

fn ago(seconds: u64) -> Instant {
    Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap()
}

/// What is held of a key: an offset, or the reason of a miss.
fn held(copies: &Mutex<Copies>, key: &str) -> Option<String> {
    let near = lock(copies).find(key, Instant::now(), SystemTime::now(), None)?;
    Some(match near.result.outcome.as_ref().unwrap() {
        Outcome::Entry(entry) => format!("@{}", entry.origin.unwrap().offset),
        Outcome::Miss(miss) => format!("{:?}", miss.reason()),
    })
}

fn apply(copies: &Mutex<Copies>, event: Event) {
    lock(copies).apply(event, Instant::now());
}

#[test]
fn a_copy_becomes_what_the_watch_tells() {
    let copies = watched();
    fetched(&copies, "a", found(7), None);
    for (event, expected) in [
        (stored("a", 11), "@11"),
        (removed("a", 11, RemovalCause::Deleted, Some(12)), "Deleted"),
        (stored("a", 13), "@13"),
        (removed("a", 13, RemovalCause::Expired, None), "Expired"),
        (stored("a", 14), "@14"),
    ] {
        apply(&copies, event);
        assert_eq!(held(&copies, "a").as_deref(), Some(expected));
    }
    for cause in [RemovalCause::Evicted, RemovalCause::EvictedForPressure] {
        fetched(&copies, "a", found(14), None);
        apply(&copies, removed("a", 14, cause, None));
        assert_eq!(held(&copies, "a"), None);
    }
    apply(&copies, stored("b", 15));
    assert_eq!(held(&copies, "b"), None, "nobody asked for it");
}

#[test]
fn a_copy_that_an_instance_ahead_gave_does_not_go_back() {
    let copies = watched();
    fetched(&copies, "a", found(20), None);
    apply(&copies, stored("a", 19));
    apply(&copies, removed("a", 18, RemovalCause::Deleted, Some(19)));
    assert_eq!(held(&copies, "a").as_deref(), Some("@20"));
    apply(&copies, removed("a", 20, RemovalCause::Deleted, Some(21)));
    apply(&copies, stored("a", 20));
    assert_eq!(held(&copies, "a").as_deref(), Some("Deleted"));
}

#[test]
fn a_key_that_changes_while_it_is_fetched_is_not_held() {
    let copies = watched();
    fetched(&copies, "a", found(7), Some(stored("a", 11)));
    assert_eq!(held(&copies, "a"), None);
    fetched(&copies, "a", found(7), Some(Event::Started(WatchStarted::default())));
    assert_eq!(held(&copies, "a"), None);
    apply(&copies, progress(11, SECOND, SECOND));
    fetched(&copies, "a", found(11), Some(stored("b", 12)));
    assert_eq!(held(&copies, "a").as_deref(), Some("@11"));
    assert!(lock(&copies).fetches.is_empty());
}

#[test]
fn overlapping_fetches_hold_what_came_after_the_last_change() {
    let copies = watched();
    let first = Fetch::begin(&copies, "a");
    apply(&copies, stored("a", 11));
    let second = Fetch::begin(&copies, "a");
    let response = |offset| GetResponse {
        result: Some(LookupResult { outcome: Some(found(offset)) }),
        as_of: Some(as_of(None)),
    };
    first.end(response(10), Instant::now()).unwrap();
    assert_eq!(held(&copies, "a"), None);
    second.end(response(11), Instant::now()).unwrap();
    assert_eq!(held(&copies, "a").as_deref(), Some("@11"));
}

#[test]
fn a_topic_that_is_created_anew_leaves_no_copy_of_the_former_one() {
    let copies = watched();
    fetched(&copies, "a", found(7), None);
    apply(&copies, removed("a", 7, RemovalCause::Deleted, Some(9)));
    fetched(&copies, "b", found(8), None);
    apply(&copies, removed("b", 8, RemovalCause::Deleted, None));
    assert_eq!(held(&copies, "b"), None);
    apply(&copies, stored("a", 3));
    apply(&copies, progress(3, SECOND, SECOND));
    assert_eq!(held(&copies, "a"), None, "it is fetched again");
    fetched(&copies, "a", found(3), None);
    assert_eq!(held(&copies, "a").as_deref(), Some("@3"));
}

#[test]
fn what_may_be_older_than_what_was_fetched_is_as_old_as_the_watch() {
    let copies = watched();
    let find = || lock(&copies).find("a", Instant::now(), SystemTime::now(), None).unwrap();
    let fresh = |outcome| {
        let (fetch, asked) = (Fetch::begin(&copies, "a"), Instant::now());
        let result = Some(LookupResult { outcome: Some(outcome) });
        fetch.end(GetResponse { result, as_of: Some(as_of(Some(SECOND / 4))) }, asked).unwrap();
        assert!(find().staleness < Some(SECOND));
    };
    fresh(found(12));
    apply(&copies, stored("a", 13));
    assert!(find().staleness < Some(SECOND), "it is newer");
    fresh(miss(MissReason::NeverSeen));
    apply(&copies, stored("a", 14));
    assert!(find().staleness >= Some(SECOND));
}

#[test]
fn nothing_is_held_before_the_watch_has_told_how_far_it_is() {
    let copies = Mutex::new(Copies::new(1 << 20));
    fetched(&copies, "a", found(7), None);
    assert_eq!(held(&copies, "a"), None);
    apply(&copies, progress(7, Duration::ZERO, SECOND));
    fetched(&copies, "a", found(7), None);
    assert_eq!(held(&copies, "a").as_deref(), Some("@7"));
    apply(&copies, Event::Started(WatchStarted { resumed: true, ..WatchStarted::default() }));
    assert_eq!(held(&copies, "a").as_deref(), Some("@7"), "no change is missed");
    apply(&copies, Event::Started(WatchStarted::default()));
    assert_eq!(held(&copies, "a"), None);
}

#[test]
fn misses_are_held_unless_they_pass_without_a_change() {
    let copies = watched();
    for (reason, expected) in [
        (MissReason::NeverSeen, Some("NeverSeen")),
        (MissReason::Deleted, Some("Deleted")),
        (MissReason::Loading, None),
        (MissReason::Unknown, None),
    ] {
        let key = format!("{reason:?}");
        fetched(&copies, &key, miss(reason), None);
        assert_eq!(held(&copies, &key).as_deref(), expected);
    }
}

#[test]
fn the_keys_that_were_looked_up_least_recently_make_room() {
    let copies = Mutex::new(Copies::new(1_500));
    apply(&copies, progress(7, Duration::ZERO, SECOND));
    for key in ["a", "b", "c", "d", "e"] {
        fetched(&copies, key, found(7), None);
    }
    assert!(held(&copies, "a").is_some());
    fetched(&copies, "f", found(7), None);
    // A change is no lookup.
    apply(&copies, stored("c", 11));
    fetched(&copies, "g", found(7), None);
    let there = ["a", "b", "c", "d", "e", "f", "g"].map(|key| held(&copies, key).is_some());
    assert_eq!(there, [true, false, false, true, true, true, true]);
    let stats = lock(&copies).stats(Instant::now());
    assert!(stats.held_bytes <= 1_500 && stats.held_keys == 5, "{stats:?}");
    fetched(&copies, &"k".repeat(2_000), found(7), None);
    let larger = lock(&copies).stats(Instant::now());
    assert_eq!((larger.held_keys, larger.held_bytes), (5, stats.held_bytes), "too large to hold");
}

#[test]
fn the_staleness_counts_from_the_request_and_by_the_services_clock() {
    let (mut copies, asked) = (Copies::new(1 << 20), ago(60));
    copies.apply(progress(7, 50 * SECOND, 2 * SECOND), asked);
    let staleness = |copies: &Copies, now| copies.stats(now).staleness.unwrap();
    assert_eq!(staleness(&copies, asked + 50 * SECOND), 2 * SECOND);
    assert_eq!(staleness(&copies, asked + 60 * SECOND), 12 * SECOND);
    let of_older_service =
        WatchProgress { as_of: Some(as_of(Some(SECOND))), ..WatchProgress::default() };
    copies.apply(Event::Progress(of_older_service), asked);
    assert_eq!(staleness(&copies, asked + 60 * SECOND), 61 * SECOND);
    let unknown = WatchProgress { as_of: Some(as_of(None)), ..WatchProgress::default() };
    copies.apply(Event::Progress(unknown), asked);
    assert_eq!(copies.stats(asked).staleness, None);
}

#[test]
fn a_copy_is_as_fresh_as_its_own_answer_or_the_watch() {
    let copies = watched();
    let (fetch, asked) = (Fetch::begin(&copies, "a"), Instant::now());
    let result = Some(LookupResult { outcome: Some(found(7)) });
    let response = GetResponse { result, as_of: Some(as_of(Some(SECOND / 4))) };
    let staleness = fetch.end(response, asked).unwrap().staleness.unwrap();
    assert!(staleness >= SECOND / 4 && staleness < SECOND / 2);
    let find = |now, max| lock(&copies).find("a", now, SystemTime::now(), max);
    assert_eq!(find(asked, None).unwrap().staleness, Some(SECOND / 4));
    assert!(find(asked + SECOND, Some(SECOND)).is_none(), "too stale");
    lock(&copies).apply(progress(11, 10 * SECOND, Duration::ZERO), ago(10));
    assert!(find(asked + SECOND / 2, Some(SECOND)).unwrap().staleness < Some(SECOND));
}

#[test]
fn an_entry_that_has_expired_is_not_served() {
    let copies = watched();
    let time = Timestamp { seconds: 1_000, nanos: 0 };
    let expiring = Entry { expire_time: Some(time), ..entry("a", 7) };
    fetched(&copies, "a", Outcome::Entry(expiring), None);
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let find = |clock| lock(&copies).find("a", Instant::now(), clock, None);
    assert!(find(at(999)).is_some() && find(at(1_000)).is_none());
}
