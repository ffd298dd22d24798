use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn fault(text: &str) -> ConnectionFault {
    ConnectionFault::parse(text).unwrap()
}

fn refused() -> ConnectionFault {
    fault("kafka-1:9092/bootstrap: Connect to ipv4#10.0.0.1:9092 failed: Connection refused")
}

fn wrong_password() -> ConnectionFault {
    fault("sasl_ssl://kafka-1:9092/bootstrap: SASL authentication error: invalid credentials")
}

/// For how many seconds an outage with a sign in each second is said to last, whenever it is logged.
fn lines(state: &mut State, start: Instant, seconds: std::ops::Range<u32>) -> Vec<(u32, u64)> {
    let lines = seconds.filter_map(|n| {
        let now = start + n * SECOND;
        state.observe(0, now, now).map(|line| (n, line.lasts.as_secs()))
    });
    lines.collect()
}

#[test]
fn an_outage_that_nothing_explains_is_told_after_a_moment_and_then_once_a_minute() {
    let (mut state, start) = (State::default(), Instant::now());
    assert_eq!(lines(&mut state, start, 0..180), [(1, 1), (61, 61), (121, 121)]);
    let end = start + 200 * SECOND;
    assert_eq!(state.end(0, end, end), Some(200 * SECOND));
    assert_eq!(state.end(0, end, end), None, "it is over");
}

#[test]
fn an_outage_is_not_over_by_a_sign_of_life_that_may_be_older() {
    let (mut state, start) = (State::default(), Instant::now());
    lines(&mut state, start, 0..3);
    let (seen, now) = (start + 2 * SECOND, start + 60 * SECOND);
    assert_eq!(state.end(0, start, now), None);
    assert_eq!(state.end(0, seen + SECOND, now), None);
    assert_eq!(state.end(0, seen + 2 * SECOND, now), Some(60 * SECOND));
}

#[test]
fn an_outage_lasts_until_every_client_has_an_answer() {
    let (mut state, start) = (State::default(), Instant::now());
    state.observe(0, start, start);
    state.observe(1, start + SECOND, start + SECOND);
    let end = start + 10 * SECOND;
    assert_eq!(state.end(0, end, end), None);
    assert!(state.since().is_some());
    assert_eq!(state.end(1, end, end), Some(9 * SECOND));
    assert_eq!(state.end(2, end, end), None, "it had none");
}

#[test]
fn a_fault_is_told_at_once_and_then_once_a_minute_and_the_outage_that_it_explains_is_not() {
    let (mut state, start) = (State::default(), Instant::now());
    assert_eq!(state.observe_fault(&refused(), Kind::Lasting, start), Some(Duration::ZERO));
    assert_eq!(lines(&mut state, start, 0..59), []);
    assert_eq!(state.observe_fault(&refused(), Kind::Lasting, start + 59 * SECOND), None);
    assert_eq!(
        state.observe_fault(&refused(), Kind::Lasting, start + 61 * SECOND),
        Some(61 * SECOND)
    );
    assert_eq!(lines(&mut state, start, 62..70), []);
    let end = start + 80 * SECOND;
    assert_eq!(state.end(0, end, end), Some(80 * SECOND), "its end is told");
}

#[test]
fn an_outage_that_lasts_is_told_with_the_fault_that_was_seen_last() {
    let (mut state, start) = (State::default(), Instant::now());
    state.observe_fault(&refused(), Kind::Lasting, start);
    state.observe(0, start, start);
    let now = start + 61 * SECOND;
    assert_eq!(state.observe(0, now, now).unwrap().fault, Some(refused()));
}

#[test]
fn a_fault_of_one_cause_does_not_hide_another() {
    let (mut state, start) = (State::default(), Instant::now());
    assert!(state.observe_fault(&refused(), Kind::Lasting, start).is_some());
    assert_eq!(state.observe_fault(&wrong_password(), Kind::Lasting, start), Some(Duration::ZERO));
    assert_eq!(state.observe_fault(&refused(), Kind::Lasting, start + SECOND), None);
}

#[test]
fn a_fault_from_before_an_outage_does_not_explain_it() {
    let (mut state, start) = (State::default(), Instant::now());
    state.observe_fault(&refused(), Kind::Lasting, start);
    state.observe_fault(&refused(), Kind::Lasting, start + 30 * SECOND);
    let told = lines(&mut state, start, 31..40);
    assert_eq!(told, [(32, 1)], "one broker of several was away before");
}

#[test]
fn a_fault_is_over_once_its_broker_is_connected_and_begins_again_after_that() {
    let (mut state, start) = (State::default(), Instant::now());
    state.observe_fault(&refused(), Kind::Lasting, start);
    state.observe_connected("kafka-1:9092", start + SECOND);
    state.observe_fault(&refused(), Kind::Lasting, start + 70 * SECOND);
    assert_eq!(state.faults[0].since, start, "that may have been before the fault");
    state.observe_connected("kafka-1:9092", start + 80 * SECOND);
    let again = start + 140 * SECOND;
    assert_eq!(state.observe_fault(&refused(), Kind::Lasting, again), Some(Duration::ZERO));
}

#[test]
fn what_comes_and_goes_is_told_no_more_often() {
    let (mut state, start) = (State::default(), Instant::now());
    let mut told = 0;
    for n in 0..10 {
        let now = start + n * 5 * SECOND;
        told += usize::from(state.observe(0, now, now).is_some());
        told += usize::from(state.observe(0, now, now + 2 * SECOND).is_some());
        state.end(0, now + 4 * SECOND, now + 4 * SECOND);
    }
    assert_eq!(told, 1);
}

#[test]
fn errors_about_no_broker_are_told_once_a_minute_each_and_only_a_few_of_them() {
    let (mut state, start) = (State::default(), Instant::now());
    assert!(state.observe_error("one", start));
    assert!(!state.observe_error("one", start + SECOND));
    assert!(state.observe_error("another", start + SECOND));
    let told = (0..20).filter(|n| state.observe_error(&format!("{n}"), start + SECOND)).count();
    assert_eq!(told, MAX_ERRORS - 2);
    assert!(state.observe_error("one", start + 61 * SECOND));
}

#[test]
fn a_fault_that_the_client_repairs_is_told_only_as_the_reason_of_an_outage() {
    let (mut state, start) = (State::default(), Instant::now());
    let closed = fault("kafka-1:9092/1: Disconnected (after 61000ms in state UP)");
    assert_eq!(state.observe_fault(&closed, Kind::Repaired, start), None);
    assert_eq!(state.observe(0, start, start), None);
    let line = state.observe(0, start, start + 2 * SECOND).unwrap();
    assert_eq!(line.fault, Some(closed));
}
