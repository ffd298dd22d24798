//! A miss as callers see it: why there is no entry, since when or by what.

use super::answer::wire_time;
use crate::proto::server::{Miss, MissReason, PartitionOffset};
use crate::record::Timestamp;
use crate::table::{self, Ghost};

/// The entry may still come.
pub(super) fn loading() -> Miss {
    bare(MissReason::Loading)
}

/// What the table knows of a key without an entry.
pub(super) fn explained(reason: table::MissReason) -> Miss {
    match reason {
        table::MissReason::NeverSeen => bare(MissReason::NeverSeen),
        table::MissReason::Unknown => bare(MissReason::Unknown),
        table::MissReason::Gone(Ghost::Expired(time)) => timed(MissReason::Expired, time),
        table::MissReason::Gone(Ghost::Evicted(time)) => timed(MissReason::Evicted, time),
        table::MissReason::Gone(Ghost::Deleted { partition, offset }) => {
            let deleted_by = Some(PartitionOffset { partition, offset });
            Miss { deleted_by, ..bare(MissReason::Deleted) }
        }
    }
}

fn timed(reason: MissReason, time: Timestamp) -> Miss {
    Miss { time: Some(wire_time(time)), ..bare(reason) }
}

fn bare(reason: MissReason) -> Miss {
    Miss { reason: reason.into(), ..Miss::default() }
}
