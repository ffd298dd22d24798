//! `millpond describe`: what an entry costs in memory, which record it came from and its age.

use std::time::Duration;

use clap::Args;

use super::client::ClientArgs;
use super::failure::Failure;
use super::output::{Output, bytes, escaped};
use super::shown::show_answer;
use crate::proto::v1::{DescribeEntryRequest, DescribeEntryResponse, EntryDescription};

/// Which entry.
#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// The table's name
    table: String,
    /// The key of the entry
    key: String,
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: DescribeArgs) -> Result<(), Failure> {
    let DescribeArgs { table, key, client, output } = args;
    let ask = async {
        let client = client.connect().await?;
        let request = client.request(DescribeEntryRequest { table, key });
        Ok(client.stats().describe_entry(request).await?.into_inner())
    };
    show_answer(output, "DescribeEntryResponse", ask, answer_text)
}

fn answer_text(answer: &DescribeEntryResponse) -> String {
    answer.entry.as_ref().map(entry_text).unwrap_or_default()
}

fn entry_text(entry: &EntryDescription) -> String {
    let parts = entry.parts.unwrap_or_default();
    let origin = entry.origin.unwrap_or_default();
    let time = origin.record_time.as_ref().map(ToString::to_string).unwrap_or_default();
    format!(
        "{}\n  weighs {}: key {}, fields {}, header {}, rounding {}, bookkeeping {}\n  \
         from partition {} offset {} of {time}\n  {} old, {} left, replaced {} times\n",
        escaped(&entry.key),
        bytes(entry.weight_bytes),
        bytes(parts.key_bytes),
        bytes(parts.fields_bytes),
        bytes(parts.header_bytes),
        bytes(parts.rounding_bytes),
        bytes(parts.bookkeeping_bytes),
        origin.partition,
        origin.offset,
        span(entry.age),
        span(entry.time_left),
        entry.replaced_count,
    )
}

/// A duration in whole seconds, since people do not need fractions here.
pub(super) fn span(span: Option<prost_types::Duration>) -> String {
    let seconds = span.and_then(|span| u64::try_from(span.seconds).ok()).unwrap_or(0);
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
