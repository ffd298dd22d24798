//! When an entry expires.

use super::*;
use crate::config::{TimeUnit, TtlFrom};

fn life(change: impl FnOnce(&mut Life)) -> Life {
    let mut life = Life::from_record(TTL);
    change(&mut life);
    life
}

fn from_field(change: impl FnOnce(&mut Life)) -> Life {
    life(|life| {
        life.ttl_from = TtlFrom::Source(source("/time"));
        change(life);
    })
}

/// When the entry of this document expires, in milliseconds after its arrival.
fn expiry(life: &Life, document: &str) -> Result<i64, Reject> {
    let mut plucker = plucker_of(&source("@key").into(), &[], life, LIMITS);
    let message = Message { key: Some(b"k"), ..message(document.as_bytes()) };
    let record = record(plucker.pluck(&message));
    record.map(|record| record.entry.view().expires_at.as_millis() - NOON)
}

fn at(time: impl std::fmt::Display) -> String {
    format!(r#"{{"time":{time}}}"#)
}

#[test]
fn a_life_counts_from_the_time_in_the_record_but_not_from_the_future() {
    let life = from_field(|_| ());
    for (time, expected) in [
        (r#""2023-11-14 22:13:19.4+0000""#.to_owned(), 400),
        ((NOON - 600).to_string(), 400),
        (format!(r#""{}""#, NOON - 600), 400),
        (format!("{}.25", NOON - 600), 400),
        ((NOON + 60_000).to_string(), 1_000),
    ] {
        assert_eq!(expiry(&life, &at(&time)), Ok(expected), "{time}");
    }
}

#[test]
fn a_life_counts_from_the_record_or_from_its_arrival() {
    let mut of_arrival = plucker_of(
        &source("@key").into(),
        &[],
        &life(|life| life.ttl_from = TtlFrom::Arrival),
        LIMITS,
    );
    let old = Timestamp::from_millis(5);
    let old = Origin { partition: 0, offset: 0, time: old };
    let message = Message { key: Some(b"k"), origin: old, ..message(b"{}") };
    let expiry = |plucker: &mut TestPlucker| {
        record(plucker.pluck(&message)).unwrap().entry.view().expires_at
    };
    assert_eq!(expiry(&mut of_arrival), EXPIRY);
    assert_eq!(expiry(&mut plucker("@key", &[])).as_millis(), 1_005);
}

#[test]
fn times_of_clocks_that_are_behind_ours_are_later_by_ours() {
    let ahead = Duration::from_secs(3_600);
    let life = life(|life| life.expiry_field = Some(source("/until")));
    let mut plucker = plucker_of(&source("@key").into(), &[], &life, LIMITS);
    let mut expiry = |document: &str| {
        let time = Timestamp::from_millis(NOON).minus(ahead);
        let origin = Origin { partition: 0, offset: 0, time };
        let message = Message { key: Some(b"k"), origin, ..message(document.as_bytes()) };
        let message = Message { now_elsewhere: time, ..message };
        record(plucker.pluck(&message)).unwrap().entry.view().expires_at
    };
    assert_eq!(expiry("{}"), EXPIRY);
    let until = format!(r#"{{"until":{}}}"#, NOON - 3_599_000);
    assert_eq!(expiry(&until), EXPIRY);
}

#[test]
fn what_is_plausible_is_judged_by_the_clocks_that_wrote_the_time_and_not_by_ours() {
    let life = from_field(|_| ());
    let ten_days = Duration::from_secs(10 * 24 * 60 * 60);
    let mut plucker = plucker_of(&source("@key").into(), &[], &life, LIMITS);
    let mut expiry = |time: i64, now_elsewhere: Timestamp| {
        let document = at(time);
        let message = Message { key: Some(b"k"), ..message(document.as_bytes()) };
        let message = Message { now_elsewhere, ..message };
        record(plucker.pluck(&message)).map(|record| record.entry.view().expires_at)
    };
    // Our clock is ten days behind: what was written just now is ahead of it, and counts as now.
    let elsewhere = Timestamp::from_millis(NOON).plus(ten_days);
    assert_eq!(expiry(elsewhere.as_millis(), elsewhere), Ok(EXPIRY));
    let far = elsewhere.plus(ten_days).as_millis();
    assert_eq!(expiry(far, elsewhere), Err(Reject::ImplausibleTime));
    // And ten days ahead.
    let elsewhere = Timestamp::from_millis(NOON).minus(ten_days);
    assert_eq!(expiry(elsewhere.as_millis(), elsewhere), Ok(EXPIRY));
    assert_eq!(expiry(NOON, elsewhere), Err(Reject::ImplausibleTime));
}

#[test]
fn a_number_is_of_the_configured_unit_and_another_unit_is_implausible() {
    let seconds = NOON / 1_000 - 1;
    for (unit, time) in [
        (TimeUnit::Seconds, format!("{seconds}.5")),
        (TimeUnit::Millis, format!("{seconds}500")),
        (TimeUnit::Micros, format!("{seconds}500000")),
        (TimeUnit::Nanos, format!("{seconds}500000000")),
    ] {
        assert_eq!(expiry(&from_field(|life| life.time_unit = unit), &at(&time)), Ok(500));
        for other in [TimeUnit::Seconds, TimeUnit::Millis, TimeUnit::Micros, TimeUnit::Nanos] {
            let life = from_field(|life| life.time_unit = other);
            let is_implausible = expiry(&life, &at(&time)) == Err(Reject::ImplausibleTime);
            assert_eq!(is_implausible, other != unit, "{time} as {other:?}");
        }
    }
}

#[test]
fn a_time_that_is_too_early_or_too_far_ahead_is_implausible() {
    let life = from_field(|_| ());
    let day = 24 * 60 * 60 * 1_000;
    assert_eq!(expiry(&life, &at(NOON + day)), Ok(1_000));
    assert_eq!(expiry(&life, &at(NOON + day + 1)), Err(Reject::ImplausibleTime));
    assert!(expiry(&life, &at(r#""2000-01-01T00:00:00Z""#)).is_ok());
    for time in ["946684799999", "0", "-1", "18446744073709551615", r#""1999-12-31T23:59:59Z""#] {
        assert_eq!(expiry(&life, &at(time)), Err(Reject::ImplausibleTime), "{time}");
    }
    let wider = from_field(|life| {
        life.earliest_time = std::time::UNIX_EPOCH;
        life.max_time_ahead = 2 * Duration::from_secs(24 * 60 * 60);
    });
    assert_eq!(expiry(&wider, &at(0)), Ok(1_000 - NOON));
    assert_eq!(expiry(&wider, &at(NOON + day + 1)), Ok(1_000));
}

#[test]
fn a_record_without_its_time_is_rejected() {
    let life = from_field(|_| ());
    assert_eq!(expiry(&life, &at("null")), Err(Reject::MissingTime));
    assert_eq!(expiry(&life, "{}"), Err(Reject::MissingTime));
    for time in ["true", "{}", r#""soon""#, "1e999", r#""2023-11-14T22:13:20""#] {
        assert_eq!(expiry(&life, &at(time)), Err(Reject::InvalidTime), "{time}");
    }
}

#[test]
fn a_record_says_how_long_it_lives() {
    let life = life(|life| life.ttl_field = Some(source("/ttl")));
    let of = |ttl: &str| expiry(&life, &format!(r#"{{"ttl":{ttl}}}"#));
    let ten_years = i64::try_from(Life::MAX.as_millis()).unwrap();
    for (ttl, expected) in [
        ("90", 90_000),
        ("0.25", 250),
        (r#""90""#, 90_000),
        (r#""1m 30s""#, 90_000),
        ("99999999999999", ten_years),
        ("99999999999999999999", ten_years),
        ("null", 1_000),
    ] {
        assert_eq!(of(ttl), Ok(expected), "{ttl}");
    }
    assert_eq!(expiry(&life, "{}"), Ok(1_000));
    for ttl in ["0", "-5", "true", r#""soon""#, r#""30M""#, "[90]"] {
        assert_eq!(of(ttl), Err(Reject::InvalidTtl), "{ttl}");
    }
}

#[test]
fn a_record_says_when_it_expires() {
    let life = life(|life| life.expiry_field = Some(source("/until")));
    let of = |until: &str| expiry(&life, &format!(r#"{{"until":{until}}}"#));
    let ten_years = i64::try_from(Life::MAX.as_millis()).unwrap();
    for (until, expected) in [
        (format!("{}", NOON + 90_000), 90_000),
        (format!("{}", NOON - 90_000), -90_000),
        (r#""9999-12-31T23:59:59Z""#.into(), ten_years),
        ("null".into(), 1_000),
    ] {
        assert_eq!(of(&until), Ok(expected), "{until}");
    }
    for (until, reject) in [
        ((NOON / 1_000).to_string(), Reject::ImplausibleTime),
        ((NOON * 1_000).to_string(), Reject::ImplausibleTime),
        (r#""soon""#.into(), Reject::InvalidTime),
    ] {
        assert_eq!(of(&until), Err(reject), "{until}");
    }
}
