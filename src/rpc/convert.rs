//! Converts plain values to the protocol's messages: numbers, times, durations, origins, misses
//! and reasons of rejections.
//!
//! Protobuf can say the years 1 to 9999 and 10,000 years of duration, and clients fail on more. A
//! record may have any time, so what is outside is clamped. The proto files say how that shows.

use std::ops::Range;
use std::time::Duration;

use crate::proto::v1::{
    AsOf, Miss, MissReason, Origin, PartitionOffset, RejectReason, RemovalCause,
};
use crate::record::{self, Recency, Reject, Timestamp};
use crate::table::{self, Ghost, GhostCause, Removal};

/// The first time that protobuf can say, in seconds, and the first that it cannot.
const TIMES: Range<i64> = -62_135_596_800..253_402_300_800;
/// The longest duration that protobuf can say.
const LONGEST: Duration = Duration::from_secs(315_576_000_000);

/// A count or a number of bytes. None is as large as 2^63.
pub(super) fn to_int64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A time that had to be clamped is a nanosecond from the end of time. All other times are whole
/// milliseconds.
pub(super) fn to_timestamp(time: Timestamp) -> prost_types::Timestamp {
    let millis = time.as_millis();
    if millis < TIMES.start * 1_000 {
        return prost_types::Timestamp { seconds: TIMES.start, nanos: 1 };
    }
    if millis >= TIMES.end * 1_000 {
        return prost_types::Timestamp { seconds: TIMES.end - 1, nanos: 999_999_999 };
    }
    let nanos = millis.rem_euclid(1_000) * 1_000_000;
    prost_types::Timestamp {
        seconds: millis.div_euclid(1_000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

/// A longer duration than protobuf can say becomes the longest.
pub(super) fn to_duration(span: Duration) -> prost_types::Duration {
    let span = span.min(LONGEST);
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or_default(),
    }
}

/// The same for a number of milliseconds, which may be negative.
pub(super) fn to_signed_duration(millis: i64) -> prost_types::Duration {
    let span = to_duration(Duration::from_millis(millis.unsigned_abs()));
    if millis < 0 {
        prost_types::Duration { seconds: -span.seconds, nanos: -span.nanos }
    } else {
        span
    }
}

pub(super) fn to_as_of(
    is_ready: bool,
    newest_record_time: Option<Timestamp>,
    staleness: Option<Duration>,
) -> AsOf {
    AsOf {
        ready: is_ready,
        newest_record_time: newest_record_time.map(to_timestamp),
        staleness: staleness.map(to_duration),
    }
}

pub(super) fn to_origin(origin: record::Origin) -> Origin {
    Origin {
        partition: origin.partition,
        offset: origin.offset,
        record_time: Some(to_timestamp(origin.time)),
    }
}

/// The miss of a loading table: the entry may still come.
pub(super) fn loading_miss() -> Miss {
    miss(MissReason::Loading)
}

/// The miss of a ready table, with the reason that it remembers.
pub(super) fn to_miss(reason: table::MissReason) -> Miss {
    match reason {
        table::MissReason::NeverSeen => miss(MissReason::NeverSeen),
        table::MissReason::Unknown => miss(MissReason::Unknown),
        table::MissReason::Ghost(ghost) => ghost_miss(ghost),
    }
}

fn ghost_miss(ghost: Ghost) -> Miss {
    match ghost.cause {
        GhostCause::Expired(time) => miss_at(MissReason::Expired, time),
        GhostCause::Evicted(time) => miss_at(MissReason::Evicted, time),
        GhostCause::EvictedForPressure(time) => miss_at(MissReason::EvictedForPressure, time),
        GhostCause::Deleted => {
            let Recency { partition, offset, .. } = ghost.recency;
            let deleted_by = Some(PartitionOffset { partition, offset });
            Miss { deleted_by, ..miss(MissReason::Deleted) }
        }
    }
}

fn miss_at(reason: MissReason, time: Timestamp) -> Miss {
    Miss { time: Some(to_timestamp(time)), ..miss(reason) }
}

fn miss(reason: MissReason) -> Miss {
    Miss { reason: reason.into(), ..Miss::default() }
}

pub(super) fn to_removal_cause(removal: Removal) -> RemovalCause {
    match removal {
        Removal::Replaced => RemovalCause::Replaced,
        Removal::Deleted => RemovalCause::Deleted,
        Removal::Expired => RemovalCause::Expired,
        Removal::Evicted => RemovalCause::Evicted,
        Removal::EvictedForPressure => RemovalCause::EvictedForPressure,
    }
}

pub(super) fn to_reason(reject: Reject) -> RejectReason {
    match reject {
        Reject::EmptyPayload => RejectReason::EmptyPayload,
        Reject::DocumentTooLarge => RejectReason::DocumentTooLarge,
        Reject::InvalidUtf8 => RejectReason::InvalidUtf8,
        Reject::InvalidJson => RejectReason::InvalidJson,
        Reject::MissingKey => RejectReason::MissingKey,
        Reject::InvalidKeyType => RejectReason::InvalidKeyType,
        Reject::EmptyKey => RejectReason::EmptyKey,
        Reject::KeyTooLong => RejectReason::KeyTooLong,
        Reject::EntryTooLarge => RejectReason::EntryTooLarge,
        Reject::MissingTime => RejectReason::MissingTime,
        Reject::InvalidTime => RejectReason::InvalidTime,
        Reject::MissingVersion => RejectReason::MissingVersion,
        Reject::InvalidVersion => RejectReason::InvalidVersion,
        Reject::BinaryKey => RejectReason::BinaryKey,
        Reject::StructuredKey => RejectReason::StructuredKey,
        Reject::ImplausibleTime => RejectReason::ImplausibleTime,
        Reject::InvalidTtl => RejectReason::InvalidTtl,
        Reject::FramedPayload => RejectReason::FramedPayload,
        Reject::CompressedPayload => RejectReason::CompressedPayload,
    }
}

#[cfg(test)]
mod tests {
    use prost_types::{Duration as WireDuration, Timestamp as WireTimestamp};

    use super::*;

    fn time(millis: i64) -> WireTimestamp {
        to_timestamp(Timestamp::from_millis(millis))
    }

    #[test]
    fn times_that_protobuf_can_say_are_exact() {
        for (millis, seconds, nanos) in [
            (0, 0, 0),
            (1_700_000_000_123, 1_700_000_000, 123_000_000),
            (-1, -1, 999_000_000),
            (-62_135_596_800_000, -62_135_596_800, 0),
            (253_402_300_799_999, 253_402_300_799, 999_000_000),
        ] {
            assert_eq!(time(millis), WireTimestamp { seconds, nanos }, "{millis}");
        }
    }

    #[test]
    fn a_time_that_protobuf_cannot_say_is_clamped_and_told_from_all_others() {
        for millis in [253_402_300_800_000, i64::MAX] {
            assert_eq!(time(millis).to_string(), "9999-12-31T23:59:59.999999999Z");
        }
        for millis in [-62_135_596_800_001, i64::MIN] {
            assert_eq!(time(millis).to_string(), "0001-01-01T00:00:00.000000001Z");
        }
    }

    #[test]
    fn a_duration_is_no_longer_than_protobuf_can_say() {
        let longest = WireDuration { seconds: 315_576_000_000, nanos: 0 };
        assert_eq!(to_duration(Duration::MAX), longest);
        let short = Duration::new(5, 7);
        assert_eq!(to_duration(short), WireDuration { seconds: 5, nanos: 7 });
    }

    #[test]
    fn a_negative_duration_is_negative_in_both_parts() {
        let of = |seconds, nanos| WireDuration { seconds, nanos };
        assert_eq!(to_signed_duration(-1_500), of(-1, -500_000_000));
        assert_eq!(to_signed_duration(1_500), of(1, 500_000_000));
        assert_eq!(to_signed_duration(i64::MIN), of(-315_576_000_000, 0));
    }
}
