//! `millpond get`: looks up keys, one or many.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Args;

use super::block_on;
use super::client::ClientArgs;
use super::failure::Failure;
use super::output::{self, Output, value_text};
use crate::proto::v1::batch_get_result::Outcome;
use crate::proto::v1::lookup_service_client::LookupServiceClient;
use crate::proto::v1::{
    AsOf, BatchGetRequest, BatchGetResponse, Entry, GetRequest, Miss, MissReason, PartitionOffset,
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
    if output == Output::Json && keys.len() == 1 {
        let request = GetRequest { table, key: keys.remove(0), ..Default::default() };
        let answer = client.get(request).await?.into_inner();
        return Ok(output::json("GetResponse", &answer)?);
    }
    let request = BatchGetRequest { table, keys: keys.clone(), ..Default::default() };
    let answer = client.batch_get(request).await?.into_inner();
    Ok(match output {
        Output::Json => output::json("BatchGetResponse", &answer)?,
        Output::Text => answer_text(&keys, answer),
    })
}

fn answer_text(keys: &[String], answer: BatchGetResponse) -> String {
    let outcomes = answer.results.into_iter().map(|result| result.outcome);
    let texts = keys.iter().zip(outcomes).map(|(key, outcome)| match outcome {
        Some(Outcome::Entry(entry)) => entry_text(&entry),
        Some(Outcome::Miss(miss)) => miss_text(key, &miss),
        None => String::new(),
    });
    texts.collect::<String>() + &as_of_text(answer.as_of)
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

fn miss_text(key: &str, miss: &Miss) -> String {
    let time = miss.time.as_ref().map(ToString::to_string).unwrap_or_default();
    let why = match miss.reason() {
        MissReason::Loading => "not there yet, the table is loading".into(),
        MissReason::NeverSeen => "never seen".into(),
        MissReason::Expired => format!("expired {time}"),
        MissReason::Evicted => format!("evicted {time}"),
        MissReason::Deleted => {
            let PartitionOffset { partition, offset } = miss.deleted_by.unwrap_or_default();
            format!("deleted by partition {partition} offset {offset}")
        }
        MissReason::Unknown | MissReason::Unspecified => "not there".into(),
    };
    format!("{key}\n  {why}\n")
}

fn as_of_text(as_of: Option<AsOf>) -> String {
    let Some(as_of) = as_of else { return String::new() };
    let state = if as_of.ready { "complete" } else { "loading" };
    let newest = as_of.newest_record_time.map_or("none".into(), |time| time.to_string());
    format!("table {state}, newest record {newest}\n")
}
