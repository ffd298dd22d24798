//! `millpond get`: looks up keys, one or many.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Args;

use super::block_on;
use super::client::ClientArgs;
use super::failure::Failure;
use super::output::{self, Output, value_text};
use crate::proto::v1::lookup_service_client::LookupServiceClient;
use crate::proto::v1::{
    AsOf, BatchGetRequest, Entry, GetRequest, Miss, MissReason, batch_get_result, get_response,
};

/// What to look up.
#[derive(Debug, Args)]
pub(super) struct GetArgs {
    /// The table's name
    table: String,
    /// The keys to look up
    #[arg(required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: GetArgs) -> Result<(), Failure> {
    let text = block_on(answer(args))?;
    Ok(writeln!(io::stdout(), "{}", text.trim_end())?)
}

async fn answer(args: GetArgs) -> Result<String, Failure> {
    let mut client = LookupServiceClient::new(args.client.connect().await?);
    let GetArgs { table, mut keys, output, .. } = args;
    if keys.len() > 1 {
        let request = BatchGetRequest { table, keys: keys.clone() };
        let answer = client.batch_get(request).await?.into_inner();
        if output == Output::Json {
            return Ok(output::json("BatchGetResponse", &answer)?);
        }
        let outcome = |(key, outcome): (&String, Option<batch_get_result::Outcome>)| match outcome {
            Some(batch_get_result::Outcome::Entry(entry)) => entry_text(&entry),
            Some(batch_get_result::Outcome::Miss(miss)) => miss_text(key, miss),
            None => String::new(),
        };
        let outcomes = answer.results.into_iter().map(|result| result.outcome);
        let text: String = keys.iter().zip(outcomes).map(outcome).collect();
        return Ok(text + &as_of_text(answer.as_of));
    }
    let key = keys.pop().unwrap_or_default();
    let request = GetRequest { table, key: key.clone() };
    let answer = client.get(request).await?.into_inner();
    if output == Output::Json {
        return Ok(output::json("GetResponse", &answer)?);
    }
    let text = match answer.outcome {
        Some(get_response::Outcome::Entry(entry)) => entry_text(&entry),
        Some(get_response::Outcome::Miss(miss)) => miss_text(&key, miss),
        None => String::new(),
    };
    Ok(text + &as_of_text(answer.as_of))
}

fn entry_text(entry: &Entry) -> String {
    let mut text = format!("{}\n", entry.key);
    let mut fields: Vec<_> = entry.fields.iter().collect();
    fields.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in fields {
        let value = value.kind.as_ref().map(value_text).unwrap_or_default();
        let _ = writeln!(text, "  {name} = {value}");
    }
    if let (Some(origin), Some(expiry)) = (&entry.origin, &entry.expire_time) {
        let time = origin.record_time.as_ref().map(ToString::to_string).unwrap_or_default();
        let (partition, offset) = (origin.partition, origin.offset);
        let _ = writeln!(text, "  from partition {partition} offset {offset} of {time}");
        let _ = writeln!(text, "  expires {expiry}");
    }
    text
}

fn miss_text(key: &str, miss: Miss) -> String {
    let why = match miss.reason() {
        MissReason::Loading => "not there yet, the table is loading",
        MissReason::Unknown | MissReason::Unspecified => "not there",
    };
    format!("{key}\n  {why}\n")
}

fn as_of_text(as_of: Option<AsOf>) -> String {
    let Some(as_of) = as_of else { return String::new() };
    let state = if as_of.ready { "complete" } else { "loading" };
    let newest = as_of.newest_record_time.map_or("none".into(), |time| time.to_string());
    format!("table {state}, newest record {newest}\n")
}
