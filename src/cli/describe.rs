//! `millpond describe`: what an entry costs in memory, which record it came from and its age; and
//! without a key, how tables are configured.

mod tables;

use clap::Args;

use super::client::ClientArgs;
use super::failure::Failure;
use super::output::{Output, bytes, count, escaped, span};
use super::shown::show_answer;
use crate::proto::v1::{DescribeEntryRequest, DescribeEntryResponse, EntryDescription};

/// Which entry.
#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// The table's name. Without it, all tables are described
    table: Option<String>,
    /// The key of the entry. Without it, the table is described: its fields, and where they come from
    key: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: DescribeArgs) -> Result<(), Failure> {
    let DescribeArgs { table, key, client, output } = args;
    let (Some(table), Some(key)) = (&table, key) else {
        return tables::show(table.as_deref(), &client, output);
    };
    let table = table.clone();
    let ask = async {
        let client = client.connect().await?;
        let request = DescribeEntryRequest { table, key, freshness: None };
        Ok(client.maintenance().describe_entry(client.request(request)).await?.into_inner())
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
        count(entry.replaced_count),
    )
}
