//! How fresh and complete a verb demands the table to be before it answers.

use std::time::Duration;

use clap::Args;

use crate::proto::v1::{Freshness, PartitionOffset};

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
    /// What the call demands.
    pub(super) fn demanded(self) -> Freshness {
        let Self { require_ready, max_staleness, min_positions } = self;
        // One that is too long becomes the longest that the protocol can express.
        let longest = prost_types::Duration { seconds: 315_576_000_000, nanos: 0 };
        let max_staleness = max_staleness.map(|span| span.try_into().unwrap_or(longest));
        Freshness { require_ready, max_staleness, min_positions }
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
