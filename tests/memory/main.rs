//! What the process reports of its memory is what it really holds.
//!
//! These tests measure the whole process. So they are a binary of their own and run one at a time.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not so")]

/// Makes two tests of each function, which takes a kind of store.
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

use millpond::heap::{self, Account};
use parking_lot::{Mutex, MutexGuard};

pub(crate) const MIB: u64 = 1 << 20;

/// Waits for the turn of a test. Its thread gets an account, since the memory of threads that
/// adopt none counts as the Kafka client's.
pub(crate) fn turn() -> (MutexGuard<'static, ()>, Account) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock();
    let account = Account::open().unwrap();
    account.adopt_thread();
    heap::purge();
    (turn, account)
}
