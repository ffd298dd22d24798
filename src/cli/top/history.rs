//! The last values of a figure, one for each snapshot, for a graph.

use std::collections::VecDeque;

/// More than the widest terminal has columns.
const LENGTH: usize = 600;

/// The last values, the newest last. None where there was none.
#[derive(Debug, Clone, Default)]
pub(super) struct History(VecDeque<Option<u64>>);

impl History {
    /// Adds a value, which is rounded. One that is negative counts as zero.
    pub(super) fn push(&mut self, value: Option<f64>) {
        if self.0.len() >= LENGTH {
            self.0.pop_front();
        }
        self.0.push_back(value.map(rounded));
    }

    /// The last values, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = Option<u64>> {
        self.0.iter().rev().copied()
    }

    /// The largest of the last `length` values.
    pub(super) fn max(&self, length: usize) -> u64 {
        self.newest_first().take(length).flatten().max().unwrap_or(0)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates, and the value is not negative"
)]
fn rounded(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_values_are_kept_and_no_more() {
        let mut history = History::default();
        (0..700).for_each(|value| history.push(Some(f64::from(value))));
        assert_eq!(history.newest_first().count(), LENGTH);
        assert_eq!(history.newest_first().next(), Some(Some(699)));
        history.push(Some(-3.0));
        history.push(None);
        assert_eq!(history.newest_first().take(2).collect::<Vec<_>>(), [None, Some(0)]);
        assert_eq!(history.max(2), 0);
    }
}
