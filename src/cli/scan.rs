//! `millpond scan`: the entries of a table, one in each line.

use std::io::{self, BufWriter, Write};

use clap::Args;

use super::client::ClientArgs;
use super::entry_text::entry_line;
use super::failure::Failure;
use super::freshness::FreshnessArgs;
use super::output::{MessageJson, Output};
use super::runtime::block_on;
use crate::proto::v1::{Entry, ScanRequest};

/// Which entries, and how to print them.
#[derive(Debug, Args)]
pub(super) struct ScanArgs {
    /// The table's name
    table: String,
    /// Print entries whose keys begin with this
    #[arg(long, value_name = "TEXT", default_value = "")]
    prefix: String,
    /// A field to show instead of all; may be given more than once
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    /// Print so many entries at most
    #[arg(long, value_name = "ENTRIES", value_parser = clap::value_parser!(i64).range(1..))]
    limit: Option<i64>,
    #[command(flatten)]
    freshness: FreshnessArgs,
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the entries: JSON has one in each line
    #[arg(long, value_enum, default_value = "json")]
    output: Output,
}

pub(super) fn run(args: ScanArgs) -> Result<(), Failure> {
    let ScanArgs { table, prefix, fields, limit, freshness, client, output } = args;
    let request = ScanRequest {
        table,
        prefix,
        freshness: Some(freshness.demanded()),
        fields,
        limit: limit.unwrap_or(0),
        page_token: String::new(),
    };
    let json = MessageJson::new("Entry")?;
    let line = |entry: &Entry| match output {
        Output::Json => json.line(entry),
        Output::Text => Ok(entry_line(entry)),
    };
    let print = async {
        let mut scan = client.connect().await?.scan(request);
        let mut out = BufWriter::new(io::stdout().lock());
        while let Some(response) = scan.next().await? {
            for entry in &response.entries {
                writeln!(out, "{}", line(entry)?)?;
            }
            // Whoever reads a pipe sees what there is.
            out.flush()?;
        }
        Ok(())
    };
    let printed: Result<(), Failure> = block_on(print);
    match output {
        Output::Json => printed.map_err(Failure::into_json),
        Output::Text => printed,
    }
}
