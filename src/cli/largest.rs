//! `millpond largest`: the entries of a table that weigh the most.

use std::fmt::Write as _;

use clap::Args;

use super::client::ClientArgs;
use super::failure::Failure;
use super::output::{Output, bytes, count, escaped, shell_word, span};
use super::shown::show_answer;
use crate::proto::v1::{ListLargestEntriesRequest, ListLargestEntriesResponse};

/// Which table, and how many entries.
#[derive(Debug, Args)]
pub(super) struct LargestArgs {
    /// The table's name
    table: String,
    /// Entries on a page
    #[arg(long, value_name = "ENTRIES", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    count: i32,
    /// The token printed with the previous page
    #[arg(long, value_name = "TOKEN", default_value = "")]
    page_token: String,
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: LargestArgs) -> Result<(), Failure> {
    let LargestArgs { table, count: page_size, page_token, client, output } = args;
    let ask = async {
        let _waiting = client.waiting("walking through the table");
        let client = client.connect().await?;
        let request = ListLargestEntriesRequest { table, page_size, page_token };
        Ok(client.maintenance().list_largest_entries(client.request(request)).await?.into_inner())
    };
    show_answer(output, "ListLargestEntriesResponse", ask, page_text)
}

fn page_text(answer: &ListLargestEntriesResponse) -> String {
    let mut text = format!("{:>12} {:>18}  key\n", "weight", "time left");
    for entry in &answer.entries {
        let (weight, left) = (bytes(entry.weight_bytes), span(entry.time_left));
        let _ = writeln!(text, "{weight:>12} {left:>18}  {}", escaped(&entry.key));
    }
    let _ = writeln!(text, "of {} entries", count(answer.walked_count));
    if !answer.next_page_token.is_empty() {
        let _ = writeln!(text, "next page: --page-token {}", shell_word(&answer.next_page_token));
    }
    text
}
