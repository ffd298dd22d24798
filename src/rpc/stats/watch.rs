//! The snapshots of one `WatchStats` call: one at once, and then one at each tick.
//!
//! The ticks of an interval are the same for all watchers, so that they share the snapshots.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tonic::Status;

use crate::rpc::call::Call;
use crate::rpc::deadline::Deadline;
use crate::rpc::response::FinishedResponse;
use crate::rpc::snapshots::SnapshotWatch;
use crate::rpc::streamed::{MessageSource, NextMessage};

/// The bounds of the interval. Stated in the protocol.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(60);
/// The field of `WatchStatsResponse` that the snapshot is in.
const SNAPSHOT_TAG: u32 = 1;

/// Makes the messages of a call.
pub(in crate::rpc) struct StatsWatch {
    snapshots: SnapshotWatch,
    interval: Duration,
    /// When the next snapshot is due. None before the first.
    next: Option<Instant>,
}

impl StatsWatch {
    pub(super) fn new(snapshots: SnapshotWatch, interval: Option<prost_types::Duration>) -> Self {
        Self { snapshots, interval: coerced(interval), next: None }
    }

    async fn next_message(&mut self, call: &Call) -> Result<Option<FinishedResponse>, Status> {
        let due = match self.next {
            Some(next) => {
                sleep_until(next).await;
                // A caller that read slowly missed ticks, and they stay missed.
                self.last_tick(Instant::now()).max(next)
            }
            None => Instant::now(),
        };
        // The deadline of the call ends the stream, which says so. It is no lack of snapshots.
        let snapshot = self.snapshots.since(due, Deadline::default()).await?;
        self.next = Some(self.last_tick(Instant::now()) + self.interval);
        let message = call.respond_with_statistics(|buffer| {
            buffer.put_length(SNAPSHOT_TAG, snapshot.len());
            buffer.put(&snapshot);
        });
        message.map(Some)
    }

    /// The last tick of the interval up to a time.
    fn last_tick(&self, now: Instant) -> Instant {
        last_tick(self.snapshots.epoch(), self.interval, now)
    }
}

impl MessageSource for StatsWatch {
    fn next<'a>(&'a mut self, call: &'a Call) -> NextMessage<'a> {
        Box::pin(self.next_message(call))
    }
}

/// The interval that is nearest to the one that a caller names.
fn coerced(interval: Option<prost_types::Duration>) -> Duration {
    let Some(named) = interval else { return MIN_INTERVAL };
    // A negative part is shorter than any interval.
    let seconds = u64::try_from(named.seconds).unwrap_or(0).min(MAX_INTERVAL.as_secs());
    let nanos = u64::try_from(named.nanos).unwrap_or(0);
    let interval = Duration::from_secs(seconds) + Duration::from_nanos(nanos);
    interval.clamp(MIN_INTERVAL, MAX_INTERVAL)
}

fn last_tick(epoch: Instant, interval: Duration, now: Instant) -> Instant {
    let (interval, since) = (interval.as_nanos(), (now - epoch).as_nanos());
    let into_tick = since.checked_rem(interval).and_then(|rest| u64::try_from(rest).ok());
    now - Duration::from_nanos(into_tick.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_second_to_a_minute_whatever_a_caller_names() {
        let of = |seconds, nanos| coerced(Some(prost_types::Duration { seconds, nanos }));
        assert_eq!(coerced(None), MIN_INTERVAL);
        assert_eq!(of(2, 500_000_000), Duration::from_millis(2_500));
        assert_eq!((of(0, 0), of(0, 999_999_999)), (MIN_INTERVAL, MIN_INTERVAL));
        assert_eq!((of(-5, 0), of(i64::MIN, i32::MIN)), (MIN_INTERVAL, MIN_INTERVAL));
        assert_eq!((of(61, 0), of(i64::MAX, i32::MAX)), (MAX_INTERVAL, MAX_INTERVAL));
    }

    #[test]
    fn watchers_of_one_interval_have_the_same_ticks_whenever_they_begin() {
        let epoch = Instant::now();
        let (two, at) = (Duration::from_secs(2), |millis| epoch + Duration::from_millis(millis));
        for (now, tick) in [(0, 0), (1_999, 0), (2_000, 2_000), (2_001, 2_000), (7_300, 6_000)] {
            assert_eq!(last_tick(epoch, two, at(now)), at(tick), "{now}");
        }
    }
}
