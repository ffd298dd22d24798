//! Notices a partition that stands still though there is more to read.
//!
//! The client's own figures are no witness: one that has stalled says that there is nothing
//! new. So the broker is asked, and only about partitions that have not come on.

use std::time::{Duration, Instant};

/// What was seen of one partition.
#[derive(Debug, Default)]
pub(super) struct Watch {
    position: i64,
    /// Since when it stands still below the end.
    behind_since: Option<Instant>,
}

impl Watch {
    /// Whether it has come on since it was looked at last.
    pub(super) fn has_moved_to(&mut self, position: i64) -> bool {
        let moved = self.position != position;
        self.position = position;
        if moved {
            self.behind_since = None;
        }
        moved
    }

    /// It has not come on, and the broker's partition reaches up to `end`. Whether it has
    /// stood still for too long.
    pub(super) fn has_stalled(&mut self, end: i64, now: Instant, stall_timeout: Duration) -> bool {
        if end <= self.position {
            self.behind_since = None;
            return false;
        }
        let since = *self.behind_since.get_or_insert(now);
        now.duration_since(since) >= stall_timeout
    }

    /// Whether it was seen to be behind at this position, so that nothing the client says of
    /// its end is to be believed.
    pub(super) fn is_behind_at(&self, position: i64) -> bool {
        self.behind_since.is_some() && self.position == position
    }

    /// Forgets what was seen: it proves nothing.
    pub(super) fn forget(&mut self) {
        self.behind_since = None;
    }
}

/// How often to look, so that a stall is noticed soon after it counts as one.
pub(super) fn interval(stall_timeout: Duration) -> Duration {
    stall_timeout / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// Whether each look, ten seconds apart, finds a stall.
    fn looks(seen: &[(i64, i64)]) -> Vec<bool> {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let looks = seen.iter().zip(0..).map(|(&(position, end), n)| {
            let now = start + n * Duration::from_secs(10);
            !watch.has_moved_to(position) && watch.has_stalled(end, now, LIMIT)
        });
        looks.collect()
    }

    #[test]
    fn a_partition_that_stands_still_below_its_end_has_stalled() {
        let seen = [(0, 5), (0, 6), (0, 7), (0, 8), (0, 9), (0, 10), (0, 11)];
        let expected = [false, false, false, false, false, false, true];
        assert_eq!(looks(&seen), expected);
    }

    #[test]
    fn one_that_comes_on_or_has_nothing_to_read_has_not() {
        assert!(!looks(&(0..20).map(|n| (n, 100)).collect::<Vec<_>>()).contains(&true));
        assert!(!looks(&[(7, 7); 20]).contains(&true));
    }

    #[test]
    fn one_that_stands_behind_is_known_to_be_until_it_comes_on() {
        let mut watch = Watch::default();
        assert!(watch.has_moved_to(7) && !watch.is_behind_at(7));
        watch.has_stalled(7, Instant::now(), LIMIT);
        assert!(!watch.is_behind_at(7), "it ends there");
        watch.has_stalled(8, Instant::now(), LIMIT);
        assert!(watch.is_behind_at(7) && !watch.is_behind_at(8));
        watch.forget();
        assert!(!watch.is_behind_at(7));
    }

    #[test]
    fn what_just_came_has_not_been_waiting() {
        let idle_then_behind: Vec<_> = [(7, 7); 20].into_iter().chain([(7, 8), (7, 9)]).collect();
        assert!(!looks(&idle_then_behind).contains(&true));
    }
}
