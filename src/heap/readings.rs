//! What jemalloc has allocated, in all and for each account.

use parking_lot::Mutex;

use super::account::Account;
use super::control;

/// The heap at one moment, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readings {
    /// Allocated by the program, rounded up to size classes.
    pub allocated_bytes: u64,
    /// In pages that hold at least one allocation.
    pub active_bytes: u64,
    /// In pages that may be resident: active ones, freed ones that are not returned to the system
    /// yet, and the allocator's own.
    pub resident_bytes: u64,
    /// Address space kept for reuse, with no memory behind it.
    pub retained_bytes: u64,
    /// The accounts, in the order in which they were asked for.
    pub accounts: Vec<AccountReading>,
}

/// One account at one moment, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountReading {
    /// Allocated from the account, rounded up to size classes.
    pub allocated_bytes: u64,
    /// In pages of the account that may be resident.
    pub resident_bytes: u64,
}

/// Held during a reading, so that all its numbers are of one moment.
static READING: Mutex<()> = Mutex::new(());

/// Reads the heap at this moment. Takes some tens of microseconds and a few more for each
/// account; allocations on other threads go on meanwhile.
pub fn read<'a>(accounts: impl IntoIterator<Item = &'a Account>) -> Readings {
    let _one_at_a_time = READING.lock();
    control::refresh_statistics();
    let all = |name| control::get::<usize>(name).map_or(0, |bytes| bytes as u64);
    Readings {
        allocated_bytes: all(c"stats.allocated"),
        active_bytes: all(c"stats.active"),
        resident_bytes: all(c"stats.resident"),
        retained_bytes: all(c"stats.retained"),
        accounts: accounts.into_iter().map(read_account).collect(),
    }
}

fn read_account(account: &Account) -> AccountReading {
    let arena = account.index();
    AccountReading {
        allocated_bytes: control::allocated_bytes(arena),
        resident_bytes: control::resident_bytes(arena),
    }
}
