//! `millpond get`: looks up keys, one or many.

mod freshness;
mod text;

use clap::Args;

use super::client::ClientArgs;
use super::failure::Failure;
use super::output::Output;
use super::shown::show_answer;
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
    let GetArgs { table, mut keys, freshness, client, output } = args;
    if output == Output::Json && keys.len() == 1 {
        let request = GetRequest { table, key: keys.remove(0), ..GetRequest::default() };
        let ask = async {
            let client = client.connect().await?;
            let request = client.request(freshness.of_get(request));
            Ok(client.lookup().get(request).await?.into_inner())
        };
        return show_answer(output, "GetResponse", ask, |_| String::new());
    }
    let request = BatchGetRequest { table, keys: keys.clone(), ..BatchGetRequest::default() };
    let ask = async {
        let client = client.connect().await?;
        let request = client.request(freshness.of_batch(request));
        Ok(client.lookup().batch_get(request).await?.into_inner())
    };
    show_answer(output, "BatchGetResponse", ask, |answer| text::answer(&keys, answer))
}
