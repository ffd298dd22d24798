//! Checks between sections.

use super::{SMALLEST, faults, load};

#[test]
fn tables_that_cannot_be_together_are_a_fault() {
    let second = |capacity: &str| {
        let table = SMALLEST.split_once("[[tables]]").unwrap().1;
        format!("{SMALLEST}capacity = {capacity}\n[[tables]]{table}capacity = {capacity}\n")
    };
    let same_name = "tables[1].name: found \"services\": an earlier table has this name";
    let shares = "tables: the shares of all tables add up to 101 %";
    assert_eq!(faults(&second("\"50.01%\""), &[], &[]), [same_name, shares]);
    let bytes = "tables: all tables may hold 128MiB, and memory.limit is 100MiB";
    assert_eq!(faults(&second("67108864"), &[], &["memory.limit=100MiB"]), [same_name, bytes]);
}

#[test]
fn two_servers_on_one_port_are_a_fault() {
    let wrong = |address: &str| {
        let settings = [format!("rpc.listen={address}"), "admin.listen=127.0.0.1:80".into()];
        load(SMALLEST, &[], &settings.each_ref().map(String::as_str)).is_err()
    };
    assert!(wrong("127.0.0.1:80") && wrong("0.0.0.0:80"));
    assert!(!wrong("127.0.0.1:81") && !wrong("127.0.0.2:80"));
    load(SMALLEST, &[], &["rpc.listen=[::]:0", "admin.listen=[::]:0"]).unwrap();
}

#[test]
fn a_dead_letter_topic_that_feeds_a_table_is_a_fault() {
    let wrong = "found \"service-events\": a table is fed by this topic";
    let settings = ["kafka.dead_letter=service-events", "tables.0.dead_letter=service-events"];
    let expected = ["kafka.dead_letter", "tables[0].dead_letter"];
    assert_eq!(faults(SMALLEST, &[], &settings), expected.map(|key| format!("{key}: {wrong}")));
}

#[test]
fn the_dead_letter_topic_is_the_tables_own_or_the_common_one() {
    let dead_letter = |settings: &[&str]| {
        let config = load(SMALLEST, &[], settings).unwrap();
        config.dead_letter_of(&config.tables[0]).map(str::to_owned)
    };
    assert_eq!(dead_letter(&[]), None);
    assert_eq!(dead_letter(&["kafka.dead_letter=all"]).as_deref(), Some("all"));
    let both = ["kafka.dead_letter=all", "tables.0.dead_letter=own"];
    assert_eq!(dead_letter(&both).as_deref(), Some("own"));
}
