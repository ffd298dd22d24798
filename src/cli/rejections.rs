//! `millpond rejections`: the most recently rejected records, with reason and place.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Args;

use super::client::ClientArgs;
use super::failure::Failure;
use super::output::{self, Output};
use super::runtime::block_on;
use crate::proto::v1::{ListRejectionsRequest, ListRejectionsResponse};

/// Which table.
#[derive(Debug, Args)]
pub(super) struct RejectionsArgs {
    /// The table's name. Without it, all tables
    #[arg(default_value = "")]
    table: String,
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: RejectionsArgs) -> Result<(), Failure> {
    let RejectionsArgs { table, client, output } = args;
    let answer = block_on(async {
        let client = client.connect().await?;
        Ok(client
            .stats()
            .list_rejections(client.request(ListRejectionsRequest { table }))
            .await?
            .into_inner())
    })?;
    let text = match output {
        Output::Json => output::json("ListRejectionsResponse", &answer)?,
        Output::Text => rejections_text(&answer),
    };
    Ok(writeln!(io::stdout(), "{}", text.trim_end())?)
}

fn rejections_text(answer: &ListRejectionsResponse) -> String {
    if answer.rejections.is_empty() {
        return "none".into();
    }
    let mut text = format!("{:<24} {:<20} {:>12}  place\n", "rejected", "reason", "offset");
    for rejection in &answer.rejections {
        let time = rejection.reject_time.as_ref().map(ToString::to_string).unwrap_or_default();
        let reason = rejection.reason().as_str_name().trim_start_matches("REJECT_REASON_");
        let reason = reason.to_lowercase().replace('_', " ");
        let offset = rejection.offset;
        let place = format!("{} {}/{}", rejection.table, rejection.topic, rejection.partition);
        let _ = writeln!(text, "{time:<24} {reason:<20} {offset:>12}  {place}");
    }
    text
}
