//! `millpond get`: looks up keys, one or many.

mod text;

use clap::Args;

use super::client::ClientArgs;
use super::failure::Failure;
use super::freshness::FreshnessArgs;
use super::output::Output;
use super::shown::show_answer;
use crate::proto::v1::{BatchGetRequest, GetRequest};

/// What to look up.
#[derive(Debug, Args)]
pub(super) struct GetArgs {
    /// The table's name
    table: String,
    /// The keys to look up
    #[arg(required = true)]
    keys: Vec<String>,
    /// A field to show instead of all; may be given more than once
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    #[command(flatten)]
    freshness: FreshnessArgs,
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// With `--min-position` the service answers when it has read that far.
const WAITING: &str = "waiting for the table to answer";

pub(super) fn run(args: GetArgs) -> Result<(), Failure> {
    let GetArgs { table, mut keys, fields, freshness, client, output } = args;
    let freshness = Some(freshness.demanded());
    if output == Output::Json && keys.len() == 1 {
        let request = GetRequest { table, key: keys.remove(0), freshness, fields };
        let ask = async {
            let _waiting = client.waiting(WAITING);
            let client = client.connect().await?;
            Ok(client.lookup().get(client.request(request)).await?.into_inner())
        };
        return show_answer(output, "GetResponse", ask, |_| String::new());
    }
    let request = BatchGetRequest { table, keys: keys.clone(), freshness, fields };
    let ask = async {
        let _waiting = client.waiting(WAITING);
        Ok(client.connect().await?.batch_get_all(request).await?)
    };
    show_answer(output, "BatchGetResponse", ask, |answer| text::answer(&keys, answer))
}
