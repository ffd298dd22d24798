//! Lookups, with answers in the form that the runs check.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use millpond_client::v1::lookup_service_client::LookupServiceClient;
use millpond_client::v1::value::Kind;
use millpond_client::v1::{
    AsOf, BatchGetRequest, Entry, Freshness, GetRequest, MissReason, PartitionOffset,
    lookup_result::Outcome,
};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

/// The only table.
pub(crate) const TABLE: &str = "services";
/// A call that takes longer counts as failed.
pub(crate) const SLOWEST_CALL: Duration = Duration::from_secs(10);

pub(crate) type Client = LookupServiceClient<Channel>;

/// The partition and offset of a record.
pub(crate) type Place = (i32, i64);

/// An entry: the place of its record, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) value: String,
}

pub(crate) type Answer = Result<Found, MissReason>;

pub(crate) fn channel(rpc: &str) -> anyhow::Result<Channel> {
    Ok(Endpoint::from_shared(format!("http://{rpc}"))?.connect_lazy())
}

/// Looks up one key, once the record at `after` is handled.
pub(crate) async fn get(
    client: &mut Client,
    key: &str,
    after: Option<Place>,
) -> anyhow::Result<(Answer, AsOf)> {
    let (table, key) = (TABLE.to_owned(), key.to_owned());
    let freshness = Some(demanded(after));
    let request = GetRequest { table, key, freshness, ..Default::default() };
    let answer = client.get(timely(request)).await?.into_inner();
    let outcome = match answer.result.and_then(|result| result.outcome).context("no outcome")? {
        Outcome::Entry(entry) => Ok(found(&entry)?),
        Outcome::Miss(miss) => Err(miss.reason()),
    };
    Ok((outcome, answer.as_of.context("no as_of")?))
}

/// Looks up to 1,000 keys up, once the records at `after` are handled.
pub(crate) async fn batch_get(
    client: &mut Client,
    keys: Vec<String>,
    after: &[Place],
) -> anyhow::Result<Vec<Answer>> {
    let (table, asked) = (TABLE.to_owned(), keys.len());
    let freshness = Some(demanded(after.iter().copied()));
    let request = BatchGetRequest { table, keys, freshness, ..Default::default() };
    let results = client.batch_get(timely(request)).await?.into_inner().results;
    ensure!(results.len() == asked, "{} answers to {asked} keys", results.len());
    let answer = |outcome| match outcome {
        Outcome::Entry(entry) => Ok(Ok(found(&entry)?)),
        Outcome::Miss(miss) => Ok(Err(miss.reason())),
    };
    results.into_iter().map(|result| answer(result.outcome.context("no outcome")?)).collect()
}

fn demanded(after: impl IntoIterator<Item = Place>) -> Freshness {
    let min_positions = after.into_iter().map(position).collect();
    Freshness { min_positions, ..Freshness::default() }
}

fn timely<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(SLOWEST_CALL);
    request
}

fn position((partition, offset): Place) -> PartitionOffset {
    PartitionOffset { partition, offset }
}

fn found(entry: &Entry) -> anyhow::Result<Found> {
    let origin = entry.origin.context("an entry without its origin")?;
    let value = entry.fields.get("description").and_then(|value| value.kind.as_ref());
    let Some(Kind::StringValue(value)) = value else { bail!("no text under {}", entry.key) };
    Ok(Found { place: (origin.partition, origin.offset), value: value.clone() })
}
