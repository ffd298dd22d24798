//! Converts plain values to the protocol's messages: times, durations, origins and misses.

use std::time::Duration;

use crate::proto::v1::{Miss, MissReason, Origin, PartitionOffset};
use crate::record::{self, Timestamp};
use crate::table::{self, Ghost};

pub(super) fn to_timestamp(time: Timestamp) -> prost_types::Timestamp {
    let millis = time.as_millis();
    let nanos = millis.rem_euclid(1_000) * 1_000_000;
    prost_types::Timestamp {
        seconds: millis.div_euclid(1_000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

/// None for a duration that is longer than protobuf can express.
pub(super) fn to_duration(span: Duration) -> Option<prost_types::Duration> {
    span.try_into().ok()
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
        table::MissReason::Ghost(Ghost::Expired(time)) => miss_at(MissReason::Expired, time),
        table::MissReason::Ghost(Ghost::Evicted(time)) => miss_at(MissReason::Evicted, time),
        table::MissReason::Ghost(Ghost::Deleted { partition, offset }) => {
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
