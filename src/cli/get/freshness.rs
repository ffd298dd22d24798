//! How fresh and complete `millpond get` demands the table to be before it answers.

use std::time::Duration;

use clap::Args;

use crate::proto::v1::{BatchGetRequest, GetRequest, PartitionOffset};

/// How complete and fresh the table has to be.
#[derive(Debug, Args)]
pub(super) struct FreshnessArgs {
    /// Fail unless the table has caught up with its stream once
    #[arg(long)]
    require_ready: bool,
    /// Fail unless the table was known to be complete at most this long ago
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    max_staleness: Option<Duration>,
    /// Wait until the record at this partition and offset is handled, as in 3:1045; may be
    /// given more than once
    #[arg(long = "min-position", value_name = "PARTITION:OFFSET", value_parser = position)]
    min_positions: Vec<PartitionOffset>,
}

impl FreshnessArgs {
    /// Adds the required freshness to a request for one key.
    pub(super) fn of_get(self, request: GetRequest) -> GetRequest {
        GetRequest {
            require_ready: self.require_ready,
            max_staleness: self.max_staleness(),
            min_positions: self.min_positions,
            ..request
        }
    }

    /// Adds the required freshness to a request for many keys.
    pub(super) fn of_batch(self, request: BatchGetRequest) -> BatchGetRequest {
        BatchGetRequest {
            require_ready: self.require_ready,
            max_staleness: self.max_staleness(),
            min_positions: self.min_positions,
            ..request
        }
    }

    /// Converts a duration. One that is too long becomes the longest that the protocol can express.
    fn max_staleness(&self) -> Option<prost_types::Duration> {
        let longest = prost_types::Duration { seconds: i64::MAX, nanos: 0 };
        self.max_staleness.map(|span| span.try_into().unwrap_or(longest))
    }
}

fn position(text: &str) -> Result<PartitionOffset, String> {
    let parse = || {
        let (partition, offset) = text.split_once(':')?;
        let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
        Some(PartitionOffset { partition, offset })
    };
    parse().ok_or_else(|| "write it as PARTITION:OFFSET, two numbers".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_a_partition_and_an_offset() {
        assert_eq!(position("3:1045"), Ok(PartitionOffset { partition: 3, offset: 1045 }));
        for broken in ["", "3", "3:", ":4", "a:b", "3:4:5"] {
            assert!(position(broken).unwrap_err().contains("PARTITION:OFFSET"), "{broken}");
        }
    }
}
