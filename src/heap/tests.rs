//! Accounts are told apart whichever thread allocates or frees.

use std::thread;

use super::*;

const PIECES: usize = 1_000;
const PIECE_BYTES: usize = 16 << 10;
const BYTES: u64 = (PIECES * PIECE_BYTES) as u64;

fn pieces() -> Vec<Box<[u8]>> {
    (0..PIECES).map(|_| vec![1; PIECE_BYTES].into()).collect()
}

fn allocated(account: &Account) -> u64 {
    read([account]).accounts[0].allocated_bytes
}

fn assert_near(bytes: u64, wanted: u64) {
    assert!(bytes.abs_diff(wanted) <= wanted / 20, "{bytes} B, and not about {wanted} B");
}

#[test]
fn what_is_charged_to_an_account_stays_there_until_it_is_freed() {
    let (ours, other) = (Account::open().unwrap(), Account::open().unwrap());
    let pieces = ours.charge(pieces);
    assert_near(allocated(&ours), BYTES);
    assert_eq!(allocated(&other), 0);
    thread::spawn(move || drop(pieces)).join().unwrap();
    assert!(allocated(&ours) <= BYTES / 20);
}

#[test]
fn a_thread_allocates_from_the_account_it_adopted() {
    let account = Account::open().unwrap();
    let adopted = account.clone();
    let pieces = thread::spawn(move || {
        adopted.adopt_thread();
        pieces()
    });
    let pieces = pieces.join().unwrap();
    assert_near(allocated(&account), BYTES);
    drop(pieces);
}

#[test]
fn a_new_account_has_nothing_of_one_that_was_dropped() {
    let dropped = Account::open().unwrap();
    let index = dropped.index();
    let pieces = dropped.charge(pieces);
    drop(dropped);
    let accounts: Vec<_> = (0..8).map(|_| Account::open().unwrap()).collect();
    assert!(accounts.iter().all(|account| account.index() != index && allocated(account) == 0));
    drop(pieces);
}

#[test]
fn a_charge_ends_with_its_work_even_if_that_panics() {
    let account = Account::open().unwrap();
    let work =
        std::panic::AssertUnwindSafe(|| account.charge(|| std::panic::resume_unwind(Box::new(()))));
    let outcome: Result<(), _> = std::panic::catch_unwind(work);
    assert!(outcome.is_err());
    let before = allocated(&account);
    let pieces = pieces();
    assert!(allocated(&account) <= before);
    drop(pieces);
}

#[test]
fn memory_that_grows_stays_in_its_account() {
    let account = Account::open().unwrap();
    let grown = account.charge(|| {
        let mut grown: Vec<u8> = vec![1; 100];
        grown.resize(4 << 20, 2);
        grown
    });
    assert_near(allocated(&account), 4 << 20);
    assert!(grown.iter().all(|&byte| byte == 1 || byte == 2));
}

#[test]
fn the_options_are_those_of_this_module() {
    assert_eq!(control::get::<u32>(c"opt.narenas"), Some(1));
    assert_eq!(control::get::<usize>(c"opt.oversize_threshold"), Some(0));
    assert_eq!(control::get::<usize>(c"opt.dirty_decay_ms"), Some(1_000));
}

#[test]
fn every_name_that_is_read_is_one_that_jemalloc_knows() {
    let account = Account::open().unwrap();
    let pieces = account.charge(pieces);
    let readings = read([&account]);
    assert!(readings.allocated_bytes >= BYTES && readings.active_bytes >= BYTES);
    assert!(readings.resident_bytes >= readings.active_bytes);
    assert!(readings.accounts[0].resident_bytes >= BYTES);
    drop(pieces);
    flush_thread_cache();
    purge();
    assert!(read([&account]).retained_bytes > 0);
}
