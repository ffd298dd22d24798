//! What each section may say, but not all of them together.

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
