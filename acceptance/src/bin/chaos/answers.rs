//! Looks up every key, and compares each answer with the model.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context, ensure};
use millpond_client::v1::lookup_service_client::LookupServiceClient;
use millpond_client::v1::value::Kind;
use millpond_client::v1::{
    BatchGetRequest, Entry, GetRequest, Miss, MissReason, Origin, Value, lookup_result::Outcome,
};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

use crate::model::{Expected, Model};
use crate::scene::now_ms;

const SLOWEST_CALL: Duration = Duration::from_secs(10);
const BATCH: usize = 250;
/// One key in this many is also looked up alone.
const ALONE: usize = 10;
/// The most characters of a line.
const SHOWN_CHARS: usize = 600;

type Answer = Result<Entry, Miss>;

/// A line for each wrong answer.
pub(crate) async fn wrong(
    rpc: &str,
    keys: &BTreeSet<String>,
    model: &Model,
) -> anyhow::Result<Vec<String>> {
    let endpoint = Endpoint::from_shared(format!("http://{rpc}"))?;
    let mut client = LookupServiceClient::new(endpoint.connect_lazy());
    let keys: Vec<_> = keys.iter().cloned().collect();
    let mut wrong = Vec::new();
    for batch in keys.chunks(BATCH) {
        let from_ms = now_ms();
        let answers = timeout(SLOWEST_CALL, batch_get(&mut client, batch)).await??;
        wrong.extend(wrong_of(batch, &answers, model, from_ms));
    }
    for key in keys.iter().step_by(ALONE) {
        let from_ms = now_ms();
        let answer = timeout(SLOWEST_CALL, get(&mut client, key)).await??;
        wrong.extend(wrong_of(std::slice::from_ref(key), &[answer], model, from_ms));
    }
    Ok(wrong)
}

/// A line for each key that two services answer differently. Expiry is not compared: the life of a
/// record from the future begins when it arrives.
pub(crate) async fn differences(
    rpc: [&str; 2],
    keys: &BTreeSet<String>,
) -> anyhow::Result<Vec<String>> {
    let mut clients = Vec::new();
    for rpc in rpc {
        let endpoint = Endpoint::from_shared(format!("http://{rpc}"))?;
        clients.push(LookupServiceClient::new(endpoint.connect_lazy()));
    }
    let keys: Vec<_> = keys.iter().cloned().collect();
    let mut differences = Vec::new();
    for batch in keys.chunks(BATCH) {
        let mut answers = Vec::new();
        for client in &mut clients {
            answers.push(timeout(SLOWEST_CALL, batch_get(client, batch)).await??);
        }
        let now = now_ms();
        for (key, (one, other)) in batch.iter().zip(answers[0].iter().zip(&answers[1])) {
            if live_content(one, now) != live_content(other, now) {
                let line = format!("key {key}: {one:?} and {other:?}");
                differences.push(line.chars().take(SHOWN_CHARS).collect());
            }
        }
    }
    Ok(differences)
}

/// What both services must have of an entry that is live now.
fn live_content(answer: &Answer, now: i64) -> Option<(&HashMap<String, Value>, Option<Origin>)> {
    let entry = answer.as_ref().ok()?;
    let is_live = entry.expire_time.as_ref().is_some_and(|time| time.seconds * 1_000 > now);
    is_live.then_some((&entry.fields, entry.origin))
}

async fn batch_get(
    client: &mut LookupServiceClient<Channel>,
    keys: &[String],
) -> anyhow::Result<Vec<Answer>> {
    let request =
        BatchGetRequest { table: "services".into(), keys: keys.to_vec(), ..Default::default() };
    let results = client.batch_get(request).await?.into_inner().results;
    ensure!(results.len() == keys.len(), "{} answers to {} keys", results.len(), keys.len());
    let answer = |outcome| match outcome {
        Outcome::Entry(entry) => Ok(entry),
        Outcome::Miss(miss) => Err(miss),
    };
    let results = results.into_iter();
    results.map(|result| Ok(answer(result.outcome.context("no outcome")?))).collect()
}

async fn get(client: &mut LookupServiceClient<Channel>, key: &str) -> anyhow::Result<Answer> {
    let request = GetRequest { table: "services".into(), key: key.into(), ..Default::default() };
    let answer = client.get(request).await?.into_inner();
    Ok(match answer.result.and_then(|result| result.outcome).context("no outcome")? {
        Outcome::Entry(entry) => Ok(entry),
        Outcome::Miss(miss) => Err(miss),
    })
}

/// A line for each wrong answer. The answers were given between `from_ms` and now.
fn wrong_of(keys: &[String], answers: &[Answer], model: &Model, from_ms: i64) -> Vec<String> {
    let to_ms = now_ms();
    let pairs = keys.iter().zip(answers);
    let lines = pairs.filter_map(|(key, answer)| {
        let expected = model.entries.get(key);
        // An entry that expired in between may be found or not.
        let live = expected.filter(|expected| expected.expiry_ms > from_ms);
        let sure = live.filter(|live| live.expiry_ms > to_ms);
        let is_right = match answer {
            Ok(entry) => live.is_some_and(|live| is_entry(entry, key, live)),
            // A ready service must not answer that it is loading. Any other reason is allowed.
            Err(miss) => sure.is_none() && miss.reason() != MissReason::Loading,
        };
        let wrong = || format!("key {key}: expected {live:?}, found {answer:?}");
        (!is_right).then(|| wrong().chars().take(SHOWN_CHARS).collect())
    });
    lines.collect()
}

fn is_entry(entry: &Entry, key: &str, expected: &Expected) -> bool {
    let value = entry.fields.get("description").and_then(|value| value.kind.as_ref());
    let is_value = match (value, &expected.value) {
        (Some(Kind::StringValue(found)), Some(expected)) => found == expected,
        (found, expected) => found.is_none() && expected.is_none(),
    };
    let is_origin = entry.origin.as_ref().is_some_and(|origin| {
        (origin.partition, origin.offset) == (expected.partition, expected.offset)
    });
    entry.key == key && is_value && is_origin
}
