//! What the process says of its own memory is what it really holds.
//!
//! A binary of its own, whose tests take turns: they measure the whole process.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not so")]

/// Makes of each function, which takes a store, a test for either.
macro_rules! over_both_stores {
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

use std::sync::{Mutex, MutexGuard, PoisonError};

use millpond::heap::{self, Account};

pub(crate) const MIB: u64 = 1 << 20;

/// The turn of one test. Its thread has an account of its own, since what threads that
/// adopt none allocate counts as the Kafka client's.
pub(crate) fn turn() -> (MutexGuard<'static, ()>, Account) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let account = Account::open().unwrap();
    account.adopt_thread();
    heap::purge();
    (turn, account)
}
