//! What a table may weigh: how its limits are changed while it is in use.

use super::Table;
use super::weight::MIN_CAPACITY_BYTES;

impl Table {
    /// Sets what the table may weigh: its capacity, and the limit that holds at the moment, which
    /// is lower than the capacity while memory is short. Evicts what is above the limit before it
    /// returns. A limit that is too low for two of the largest entries is raised to fit them. Only
    /// one thread may set limits.
    pub fn set_limits(&self, capacity_bytes: u64, limit_bytes: u64) {
        self.charge(|| {
            self.resize_ghosts(capacity_bytes, limit_bytes);
            self.enforce_limits(capacity_bytes, limit_bytes);
        });
    }

    fn enforce_limits(&self, capacity_bytes: u64, limit_bytes: u64) {
        self.store.quota().set_limits(capacity_bytes, limit_bytes);
        self.store.enforce_limit(self.now());
    }

    /// Gives the ghost entries their part of a limit that is far from the one before. Entries make
    /// room for those that come.
    fn resize_ghosts(&self, capacity_bytes: u64, limit_bytes: u64) {
        let (ghosts, quota) = (self.store.ghosts(), self.store.quota());
        let fitted_bytes = limit_bytes.min(capacity_bytes).max(MIN_CAPACITY_BYTES);
        let Some(bytes) = ghosts.bytes_after_resize(fitted_bytes) else { return };
        let before_bytes = ghosts.bytes();
        if bytes < before_bytes {
            ghosts.resize(fitted_bytes);
            quota.exchange_fixed(before_bytes, bytes);
            return;
        }
        let growth_bytes = bytes - before_bytes;
        self.enforce_limits(capacity_bytes, limit_bytes.saturating_sub(growth_bytes));
        quota.set_limits(capacity_bytes, limit_bytes);
        if quota.exchange_fixed(before_bytes, bytes) {
            ghosts.resize(fitted_bytes);
        }
    }
}
