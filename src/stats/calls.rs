//! The calls of the gRPC port, by method: how many, how they ended, and how long they took.

use std::time::{Duration, SystemTime};

use crate::trace::{SpanId, TraceId};

/// The calls of one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodStats {
    /// The full name of the service. [`UNKNOWN_METHOD`] for all paths that are no method.
    pub service: &'static str,
    /// The name of the method. [`UNKNOWN_METHOD`] for all paths that are no method.
    pub method: &'static str,
    /// How many messages each side sends.
    pub kind: CallKind,
    /// Calls whose headers came.
    pub started: u64,
    /// Calls that ended, by status code: each at its number.
    pub handled: [u64; STATUS_CODES.len()],
    /// How long those took.
    pub durations: DurationCounts,
    /// For each range of durations the newest call that was traced.
    pub exemplars: Exemplars,
}

/// A traced call for each range of [`DurationCounts`], if there was one.
pub type Exemplars = [Option<Exemplar>; DURATION_BOUNDS.len() + 1];

/// A call that was traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exemplar {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its span.
    pub span_id: SpanId,
    /// How long it took.
    pub duration: Duration,
    /// When it ended, by the system's clock.
    pub time: SystemTime,
}

/// Stands for the service and the method of a call whose path is no method.
pub const UNKNOWN_METHOD: &str = "unknown";

/// How many messages each side of a call sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// One each.
    Unary,
    /// The caller sends one, and the service any number.
    ServerStream,
    /// Both send any number.
    BidiStream,
}

/// A status code of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCode {
    /// Its name in gRPC's own documents.
    pub name: &'static str,
    /// Its name in the metrics that dashboards for gRPC know.
    pub metric_name: &'static str,
}

/// gRPC's status codes, each at its number.
pub const STATUS_CODES: [StatusCode; 17] = [
    StatusCode { name: "OK", metric_name: "OK" },
    StatusCode { name: "CANCELLED", metric_name: "Canceled" },
    StatusCode { name: "UNKNOWN", metric_name: "Unknown" },
    StatusCode { name: "INVALID_ARGUMENT", metric_name: "InvalidArgument" },
    StatusCode { name: "DEADLINE_EXCEEDED", metric_name: "DeadlineExceeded" },
    StatusCode { name: "NOT_FOUND", metric_name: "NotFound" },
    StatusCode { name: "ALREADY_EXISTS", metric_name: "AlreadyExists" },
    StatusCode { name: "PERMISSION_DENIED", metric_name: "PermissionDenied" },
    StatusCode { name: "RESOURCE_EXHAUSTED", metric_name: "ResourceExhausted" },
    StatusCode { name: "FAILED_PRECONDITION", metric_name: "FailedPrecondition" },
    StatusCode { name: "ABORTED", metric_name: "Aborted" },
    StatusCode { name: "OUT_OF_RANGE", metric_name: "OutOfRange" },
    StatusCode { name: "UNIMPLEMENTED", metric_name: "Unimplemented" },
    StatusCode { name: "INTERNAL", metric_name: "Internal" },
    StatusCode { name: "UNAVAILABLE", metric_name: "Unavailable" },
    StatusCode { name: "DATA_LOSS", metric_name: "DataLoss" },
    StatusCode { name: "UNAUTHENTICATED", metric_name: "Unauthenticated" },
];

/// Durations, from the arrival of a call's headers until the transport has its whole response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DurationCounts {
    /// How many were at most as long as each of [`DURATION_BOUNDS`], and longer than the one
    /// before; the last is for all longer ones.
    pub counts: [u64; DURATION_BOUNDS.len() + 1],
    /// Their sum.
    pub sum: Duration,
}

/// The bounds of the buckets that durations are counted in.
pub const DURATION_BOUNDS: [Duration; 12] = [
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_millis(2_500),
    Duration::from_secs(10),
];

impl DurationCounts {
    /// The index of the bucket that counts this duration.
    pub fn bucket(duration: Duration) -> usize {
        DURATION_BOUNDS.partition_point(|bound| *bound < duration)
    }

    /// How many durations were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        for (index, bound) in DURATION_BOUNDS.into_iter().enumerate() {
            assert_eq!(DurationCounts::bucket(bound), index);
            assert_eq!(DurationCounts::bucket(bound + Duration::from_nanos(1)), index + 1);
        }
        assert_eq!(DurationCounts::bucket(Duration::ZERO), 0);
    }
}
