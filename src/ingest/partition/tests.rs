//! A partition that is told what brokers and the client say.

use super::*;

const STALL_TIMEOUT: Duration = Duration::from_secs(60);

fn loading_to(target: i64) -> Partition {
    Partition::new(0, Some(target), Vec::new())
}

fn seen(after_records: u64) -> SeenEnd {
    SeenEnd { offset: 10, high_watermark: 10, after_records }
}

#[test]
fn a_partition_has_caught_up_once_when_it_reaches_its_target() {
    let mut partition = loading_to(3);
    assert_eq!(partition.advance_to(2), Load::Unchanged);
    assert_eq!(partition.advance_to(3), Load::Completed);
    assert_eq!(partition.advance_to(4), Load::Unchanged);
}

#[test]
fn an_end_is_reached_once_all_that_was_queued_before_it_is_handled() {
    let mut partition = loading_to(10);
    assert_eq!(partition.observe_seen_end(seen(7), 3), Load::Unchanged);
    // The queue is longer by what came meanwhile, which is not waited for.
    assert_eq!(partition.observe_seen_end(seen(20), 7), Load::Completed);
    assert_eq!(partition.next_offset(), 10);
}

#[test]
fn what_is_queued_and_is_no_record_does_not_keep_an_end_from_being_reached() {
    let mut partition = loading_to(10);
    // Seven records and an error are queued: there will be no eighth record.
    assert_eq!(partition.observe_seen_end(seen(8), 0), Load::Unchanged);
    assert_eq!(partition.observe_seen_end(seen(7), 7), Load::Completed);
}

#[test]
fn an_end_before_an_open_transaction_completes_nothing_until_it_is_the_end_of_the_log() {
    let before_transaction = SeenEnd { offset: 6, high_watermark: 9, after_records: 0 };
    let mut partition = loading_to(8);
    assert_eq!(partition.observe_seen_end(before_transaction, 0), Load::Unchanged);
    assert_eq!(partition.next_offset(), 6, "there is no record in between");
    let behind_target = SeenEnd { offset: 8, ..before_transaction };
    assert_eq!(partition.observe_seen_end(behind_target, 0), Load::Completed);
    let shrunk = SeenEnd { high_watermark: 6, ..before_transaction };
    assert_eq!(loading_to(8).observe_seen_end(shrunk, 0), Load::Completed);
}

#[test]
fn an_end_that_was_seen_before_a_restart_does_not_count() {
    let mut partition = loading_to(10);
    assert_eq!(partition.observe_seen_end(seen(7), 3), Load::Unchanged);
    partition.restart();
    assert_eq!(partition.observe_seen_end(seen(7), 7), Load::Unchanged);
    assert!(partition.is_loading());
}

#[test]
fn a_reset_moves_the_target_of_a_loading_partition_or_completes_it() {
    let reset =
        |start, end| OffsetReset { partition: 0, start, end, reason: ResetReason::Recreated };
    let mut partition = loading_to(10);
    assert_eq!(partition.reset(reset(0, 4)), Load::Unchanged);
    assert_eq!(partition.advance_to(4), Load::Completed);
    assert_eq!(loading_to(10).reset(reset(5, 5)), Load::Completed);
    assert_eq!(partition.reset(reset(0, 9)), Load::Unchanged);
    assert!(!partition.is_loading(), "what has caught up once stays so");
}

#[test]
fn a_removed_partition_holds_nothing_up_and_is_read_again_after_a_reset() {
    let mut partition = loading_to(10);
    assert_eq!(partition.mark_removed(), Load::Completed);
    assert!(!partition.is_assigned());
    let reset = OffsetReset { partition: 0, start: 0, end: 5, reason: ResetReason::Recreated };
    assert_eq!(partition.reset(reset), Load::Unchanged);
    assert!(partition.is_assigned());
}

/// Whether each look, ten seconds apart, finds a stall.
fn looks(seen: &[(i64, i64)]) -> Vec<bool> {
    let (mut partition, start) = (Partition::new(0, None, Vec::new()), Instant::now());
    let looks = seen.iter().zip(0..).map(|(&(position, end), n)| {
        let now = start + n * Duration::from_secs(10);
        let _ = partition.advance_to(position);
        let has_stalled =
            partition.look() && partition.observe_broker_end(end, now, now, STALL_TIMEOUT);
        partition.observe_watermarks(position, position, None);
        has_stalled
    });
    looks.collect()
}

#[test]
fn a_partition_that_stands_still_below_its_end_has_stalled() {
    let seen = [(0, 5), (0, 6), (0, 7), (0, 8), (0, 9), (0, 10), (0, 11)];
    let expected = [false, false, false, false, false, false, true];
    assert_eq!(looks(&seen), expected);
}

#[test]
fn one_that_comes_on_or_has_nothing_to_read_has_not() {
    assert!(!looks(&(0..20).map(|n| (n, 100)).collect::<Vec<_>>()).contains(&true));
    assert!(!looks(&[(7, 7); 20]).contains(&true));
}

#[test]
fn one_that_waits_for_an_open_transaction_has_not_stalled_while_its_client_fetches() {
    let (mut partition, start) = (Partition::new(5, None, Vec::new()), Instant::now());
    // A broker is asked for the end every ten seconds. The client's statistics are newer, or
    // as they were when it stalled.
    let mut has_stalled = |n: i64, is_fetching: bool| {
        let now = start + Duration::from_secs(10) * u32::try_from(n).unwrap();
        let end = 10 + n;
        partition.look();
        let has_stalled = partition.observe_broker_end(end, now, now, STALL_TIMEOUT);
        partition.observe_watermarks(if is_fetching { end } else { 10 }, 5, None);
        has_stalled
    };
    assert!(!(0..20).any(|n| has_stalled(n, true)));
    assert!((20..30).any(|n| has_stalled(n, false)));
}

#[test]
fn what_just_came_has_not_been_waiting() {
    let idle_then_behind: Vec<_> = [(7, 7); 20].into_iter().chain([(7, 8), (7, 9)]).collect();
    assert!(!looks(&idle_then_behind).contains(&true));
}

#[test]
fn one_that_stands_behind_is_known_to_be_until_it_comes_on() {
    let (mut partition, now) = (Partition::new(0, None, Vec::new()), Instant::now());
    let _ = partition.advance_to(7);
    assert!(!partition.look() && !partition.is_behind());
    partition.observe_broker_end(7, now, now, STALL_TIMEOUT);
    assert!(!partition.is_behind(), "it ends there");
    partition.observe_broker_end(8, now, now, STALL_TIMEOUT);
    assert!(partition.is_behind());
    let _ = partition.advance_to(8);
    assert!(!partition.is_behind());
    let _ = partition.advance_to(7);
    partition.forget_stall();
    assert!(!partition.is_behind());
}

#[test]
fn an_end_that_was_asked_for_before_a_restart_proves_no_stall() {
    let (mut partition, asked) = (Partition::new(7, None, Vec::new()), Instant::now());
    partition.look();
    partition.restart();
    let later = asked + 2 * STALL_TIMEOUT;
    partition.observe_broker_end(9, asked, later, Duration::ZERO);
    assert!(!partition.is_behind());
    partition.observe_broker_end(9, later, later, STALL_TIMEOUT);
    assert!(partition.is_behind());
}
