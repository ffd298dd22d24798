//! Who is listed, and that nothing is lost when there are too many.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;

fn costs() -> Costs {
    Costs::new(["hosts".to_owned(), "services".to_owned()])
}

fn address(number: usize) -> IpAddr {
    Ipv4Addr::from_bits(u32::try_from(number).unwrap()).into()
}

/// Counts a call from this address about nothing, in the first shard.
fn add(costs: &Costs, number: usize, millis: u64) {
    costs.0.next.store(0, Ordering::Relaxed);
    costs.of_connection(address(number)).add(None, About::default(), cost(millis));
}

fn cost(millis: u64) -> CallCost {
    let busy = Duration::from_millis(millis);
    CallCost { calls: 1, answer_bytes: 10 * millis, busy, elapsed: 2 * busy, is_shed: millis == 3 }
}

#[test]
fn calls_are_summed_by_caller_and_table_over_all_connections() {
    let costs = costs();
    let about = About { table: costs.of_connection(address(7)).table("hosts"), keys: 2 };
    for millis in 1..=3 {
        costs.of_connection(address(7)).add(None, about, cost(millis));
    }
    costs.of_connection(address(7)).add(None, About::default(), cost(5));
    let millis = Duration::from_millis;
    let of_hosts = CallerStats {
        caller: "0.0.0.7".into(),
        table: Some("hosts".into()),
        calls: 3,
        keys: 6,
        answer_bytes: 60,
        busy: millis(6),
        shed: 1,
        slowest: millis(6),
    };
    let read = costs.read();
    assert_eq!((read[0].table.as_ref(), read[0].busy), (None, millis(5)));
    assert_eq!(read[1..], [of_hosts]);
}

#[test]
fn a_caller_that_proved_its_name_is_listed_by_it_from_wherever_it_calls() {
    let costs = costs();
    let web = Identity::Token("web".into());
    for number in 0..3 {
        costs.of_connection(address(number)).add(Some(&web), About::default(), cost(1));
    }
    let read = costs.read();
    assert_eq!((read[0].caller.as_str(), read[0].calls, read.len()), ("token:web", 3, 1));
}

#[test]
fn the_callers_that_cost_the_most_come_first_and_those_who_were_silent_longest_lose_their_row() {
    let costs = costs();
    for number in 0..MAX_CALLERS {
        add(&costs, number, 1);
    }
    add(&costs, 0, 100);
    add(&costs, MAX_CALLERS, 50);
    let read = costs.read();
    assert_eq!(read.len(), MAX_CALLERS + 1);
    assert_eq!((read[0].caller.as_str(), read[0].calls), ("0.0.0.0", 2));
    assert_eq!(read[1].caller, "0.0.0.64");
    let others = read.last().unwrap();
    assert_eq!((others.caller.as_str(), others.calls), (OTHER, 1));
    assert!(!read.iter().any(|row| row.caller == "0.0.0.1"), "it was silent the longest");
    assert_eq!(read.iter().map(|row| row.calls).sum::<u64>(), MAX_CALLERS as u64 + 2);
}

#[test]
fn a_table_that_there_is_not_has_no_number() {
    assert_eq!(costs().of_connection(address(1)).table("nope"), None);
}
