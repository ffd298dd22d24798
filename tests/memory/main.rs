//! The memory that the process reports is the memory that it uses.
//!
//! These tests measure the whole process, so they are in a binary of their own and run one by one.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not so")]

/// Defines a test for each function and each kind of store, which the function takes.
macro_rules! over_every_store {
    ($($behaviour:ident)*) => {
        mod moka {
            $(#[test]
            fn $behaviour() {
                super::$behaviour(millpond::config::Store::Moka);
            })*
        }
        mod compact {
            $(#[test]
            fn $behaviour() {
                super::$behaviour(millpond::config::Store::Compact);
            })*
        }
    };
}

mod census;
mod leak;
mod records;
mod weight;

use millpond::heap::{self, Account};
use parking_lot::{Mutex, MutexGuard};

pub(crate) const MIB: u64 = 1 << 20;

/// Waits until no other test runs. Gives the thread an account, since the memory of threads without
/// one is counted as the Kafka client's.
pub(crate) fn turn() -> (MutexGuard<'static, ()>, Account) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock();
    let account = Account::open().unwrap();
    account.adopt_thread();
    heap::purge();
    (turn, account)
}
