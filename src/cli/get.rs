//! `millpond get`: looks up keys, one or many.

mod freshness;
mod text;

use std::io::{self, Write as _};

use clap::Args;

use super::client::ClientArgs;
use super::failure::Failure;
use super::output::{self, Output};
use super::runtime::block_on;
use crate::proto::v1::{BatchGetRequest, GetRequest};
use freshness::FreshnessArgs;

/// What to look up.
#[derive(Debug, Args)]
pub(super) struct GetArgs {
    /// The table's name
    table: String,
    /// The keys to look up
    #[arg(required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    freshness: FreshnessArgs,
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
    let client = args.client.connect().await?;
    let GetArgs { table, mut keys, freshness, output, .. } = args;
    if output == Output::Json && keys.len() == 1 {
        let request =
            freshness.of_get(GetRequest { table, key: keys.remove(0), ..GetRequest::default() });
        let answer = client.lookup().get(client.request(request)).await?.into_inner();
        return Ok(output::json("GetResponse", &answer)?);
    }
    let request = BatchGetRequest { table, keys: keys.clone(), ..BatchGetRequest::default() };
    let request = client.request(freshness.of_batch(request));
    let answer = client.lookup().batch_get(request).await?.into_inner();
    Ok(match output {
        Output::Json => output::json("BatchGetResponse", &answer)?,
        Output::Text => text::answer(&keys, answer),
    })
}
