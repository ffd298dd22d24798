//! How many calls may be repeated, so that callers of a service in trouble do not add to it.

use std::sync::atomic::{AtomicU32, Ordering};

/// The price of a hundred repeated calls.
const MAX: u32 = 1_000;
/// What a repeated call takes. A call that succeeds gives 1 back, so one call in ten may be repeated.
const PRICE: u32 = 10;
/// Below this no call is repeated.
const MIN: u32 = MAX / 2;

/// Shared by the calls of a client.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicU32);

impl RetryBudget {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(MAX))
    }

    /// A call succeeded.
    pub(crate) fn give(&self) {
        // A full budget, the usual one, is only read.
        if self.0.load(Ordering::Relaxed) < MAX {
            let more = |left: u32| Some((left + 1).min(MAX));
            let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }

    /// Takes the price of one more call. False if there is too little left.
    pub(crate) fn take(&self) -> bool {
        let less = |left: u32| (left > MIN).then(|| left.saturating_sub(PRICE));
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_calls_are_repeated_and_then_one_for_ten_that_succeed() {
        let budget = RetryBudget::new();
        assert_eq!((0..1_000).filter(|_| budget.take()).count(), 50);
        for _ in 0..3 {
            (0..PRICE).for_each(|_| budget.give());
            assert!(budget.take() && !budget.take());
        }
        (0..10_000).for_each(|_| budget.give());
        assert_eq!((0..1_000).filter(|_| budget.take()).count(), 50);
    }
}
