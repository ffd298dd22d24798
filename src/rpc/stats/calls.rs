//! Converts the figures of calls by method.

use crate::proto::v1::{self as wire, DurationCount, HandledCallCount};
use crate::rpc::convert::{to_duration, to_int64};
use crate::stats::{DURATION_BOUNDS, DurationCounts, MethodStats};

/// The methods that were called.
pub(super) fn to_methods(methods: &[MethodStats]) -> Vec<wire::MethodStats> {
    let called = methods.iter().filter(|method| method.started > 0);
    called
        .map(|method| wire::MethodStats {
            service: method.service.to_owned(),
            method: method.method.to_owned(),
            started_count: to_int64(method.started),
            handled_calls: to_handled_calls(&method.handled),
            durations: to_durations(&method.durations),
            total_duration: Some(to_duration(method.durations.sum)),
        })
        .collect()
}

/// The status codes that occurred.
fn to_handled_calls(handled: &[u64]) -> Vec<HandledCallCount> {
    let counted = (0..).zip(handled).filter(|(_, count)| **count > 0);
    counted.map(|(code, count)| HandledCallCount { code, count: to_int64(*count) }).collect()
}

fn to_durations(durations: &DurationCounts) -> Vec<DurationCount> {
    let bounds = DURATION_BOUNDS.into_iter().map(Some).chain([None]);
    let counted = bounds.zip(durations.counts);
    counted
        .map(|(bound, count)| DurationCount {
            up_to: bound.map(to_duration),
            count: to_int64(count),
        })
        .collect()
}
