//! `millpond reclaim`: makes a running service free unused memory, and prints the effect.

use std::fmt::Write as _;

use clap::Args;

use super::client::ClientArgs;
use super::failure::Failure;
use super::output::{Output, bytes};
use super::shown::show_answer;
use super::stats::memory::type_name;
use crate::proto::v1::{Memory, MemoryDifference, ReclaimRequest, ReclaimResponse};

/// Which service to ask and how to print the answer.
#[derive(Debug, Args)]
pub(super) struct ReclaimArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: &ReclaimArgs) -> Result<(), Failure> {
    let ask = async {
        let _waiting = args.client.waiting("freeing memory");
        let client = args.client.connect().await?;
        Ok(client.maintenance().reclaim(client.request(ReclaimRequest {})).await?.into_inner())
    };
    show_answer(args.output, "ReclaimResponse", ask, reclaim_text)
}

fn reclaim_text(answer: &ReclaimResponse) -> String {
    let (before, after) = (answer.before.as_ref(), answer.after.as_ref());
    let rss = |memory: Option<&Memory>| memory.map_or(0, |memory| memory.rss_bytes);
    let mut text = format!("{:>14} {:>14} {:>14}\n", "before", "after", "difference");
    let sum = rss(after) - rss(before);
    text.push_str(&row(rss(before), rss(after), sum, "resident"));
    for (index, difference) in answer.differences.iter().enumerate() {
        let of_type = |memory: Option<&Memory>| {
            memory.and_then(|memory| memory.types.get(index)).map_or(0, |found| found.bytes)
        };
        text.push_str(&row(of_type(before), of_type(after), difference.bytes, &name(difference)));
    }
    text.push('\n');
    for finding in &answer.findings {
        let _ = writeln!(text, "{}", finding.text);
    }
    text
}

fn row(before: i64, after: i64, difference: i64, name: &str) -> String {
    let sign = if difference < 0 { "-" } else { "+" };
    let difference = format!("{sign}{}", bytes(difference.unsigned_abs()));
    format!("{:>14} {:>14} {difference:>14}  {name}\n", bytes(before), bytes(after))
}

fn name(difference: &MemoryDifference) -> String {
    type_name(difference.r#type(), &difference.table)
}
