//! Plucks damaged documents by both ways to walk them, and compares with `serde_json`. Fails at the
//! first difference, and shows its document.
//!
//! `MILLPOND_TEST_PAYLOADS=webhooks.ndjson cargo bench -p millpond-benches --bench differences`
//!
//! The file has one document on each line. Without it, documents like those of webhooks are made up.
//! The documents are damaged in the same way at every run; `--seed` chooses another.
//!
//! `cargo bench -p millpond-benches --bench differences -- --verdicts test_parsing`
//!
//! Says of each file of a folder instead whether it is taken for JSON. Fails if a file whose name
//! begins with `y_` is not, or if one with `n_` is.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use fastrand::Rng;
use millpond::config::{Life, Source};
use millpond::pluck::{Limits, Message, Plucked, Plucker, Scratch};
use millpond::record::{Origin, Record, Timestamp, Value};
use millpond_acceptance::report::say;
use millpond_benches::documents::Documents;
use serde::de::IgnoredAny;

/// Compares plucking with another parser, on documents that are damaged.
#[derive(Parser)]
struct Args {
    /// How many documents to pluck
    #[arg(long, default_value_t = 200_000)]
    documents: u64,
    /// Where the damage begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A folder of documents to judge, one in each file
    #[arg(long)]
    verdicts: Option<PathBuf>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Pointers into the documents of webhooks, and one into none.
const POINTERS: [&str; 5] =
    ["/repository/html_url", "/sender/id", "/repository", "/pull_request/labels/0", "/none"];

/// The bytes that a document is damaged with.
const DAMAGE: &[u8] = b"{}[]:,\"\\/ \n\t\x0019-+.eEutrfalsn\x7f\x80\xc3\xf0";

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match &args.verdicts {
        Some(folder) => judge(folder),
        None => compare_damaged(&args),
    }
}

/// Says whether each file is taken for JSON.
fn judge(folder: &Path) -> anyhow::Result<()> {
    let mut files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(DirEntry::file_name);
    ensure!(!files.is_empty(), "{}: there is no file in it", folder.display());
    let pluckers = [plucker()?, plucker()?.portable()];
    let mut scratch = Scratch::new();
    let mut wrong = 0;
    for file in files {
        let (name, payload) = (file.file_name(), fs::read(file.path())?);
        let name = name.to_string_lossy();
        let [fast, portable] =
            pluckers.each_ref().map(|each| plucked(each, &payload, &mut scratch));
        ensure!(fast == portable, "{name}: {fast:?} and {portable:?}");
        let verdict = if fast.is_some() { "JSON" } else { "rejected" };
        let is_wrong = name.starts_with(if fast.is_some() { "n_" } else { "y_" });
        wrong += usize::from(is_wrong);
        say(&format!("{name}: {verdict}{}", if is_wrong { ", which is wrong" } else { "" }));
    }
    ensure!(wrong == 0, "{wrong} verdicts are wrong");
    Ok(())
}

fn compare_damaged(args: &Args) -> anyhow::Result<()> {
    let &Args { documents, seed, .. } = args;
    let texts: Vec<_> = [Documents::small(), Documents::payloads()?]
        .into_iter()
        .flat_map(|documents| documents.texts)
        .collect();
    let pluckers = [plucker()?, plucker()?.portable()];
    let mut scratch = Scratch::new();
    let (mut rng, mut accepted) = (Rng::with_seed(seed), 0);
    for number in 0..documents {
        let Some(text) = rng.choice(&texts) else { break };
        let payload = damaged(text, &mut rng);
        let [fast, portable] =
            pluckers.each_ref().map(|each| plucked(each, &payload, &mut scratch));
        let agree = fast == portable && is_right(fast.as_ref(), &payload);
        ensure!(agree, "document {number}: {fast:?}\n{}", String::from_utf8_lossy(&payload));
        accepted += u64::from(fast.is_some());
    }
    say(&format!("{documents} documents, {accepted} of them JSON: no difference"));
    Ok(())
}

fn plucker() -> anyhow::Result<Plucker> {
    let limits =
        Limits { max_document_bytes: 1 << 20, max_key_bytes: 64, max_values_bytes: 1 << 20 };
    let fields = POINTERS.map(str::parse::<Source>).into_iter().collect::<Result<Vec<_>, _>>()?;
    let key: Source = "@key".parse()?;
    Ok(Plucker::new(&key.into(), &fields, &Life::from_record(Duration::from_secs(1)), limits))
}

/// The document with up to three bytes changed, put in or taken out; or its beginning.
fn damaged(text: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut damaged = text.to_vec();
    for _ in 0..rng.u8(0..=3) {
        let at = rng.usize(0..damaged.len().max(1));
        let byte = rng.choice(DAMAGE).copied().unwrap_or_default();
        match rng.u8(0..16) {
            0..6 if at < damaged.len() => damaged[at] = byte,
            6..12 => damaged.insert(at, byte),
            12..15 if at < damaged.len() => drop(damaged.remove(at)),
            _ => damaged.truncate(at),
        }
    }
    damaged
}

/// A copy of what is plucked; none of a document that is not JSON.
fn plucked(plucker: &Plucker, payload: &[u8], scratch: &mut Scratch) -> Option<Record> {
    let time = Timestamp::from_millis(0);
    let message = Message {
        key: Some(b"key"),
        payload: Some(payload),
        header: &|_| None,
        origin: Origin { partition: 0, offset: 0, time },
        now: time,
        now_elsewhere: time,
    };
    match plucker.pluck(&message, scratch) {
        Ok(Plucked::Record(draft)) => Some(draft.copy()),
        Ok(Plucked::Deletion(_) | Plucked::Filtered) | Err(_) => None,
    }
}

/// Whether `serde_json` takes the payload for JSON too, and finds the same values.
fn is_right(record: Option<&Record>, payload: &[u8]) -> bool {
    let is_json =
        str::from_utf8(payload).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    let Some(record) = record else { return !is_json };
    // It refuses what is odd but JSON, such as half a surrogate pair.
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(payload) else { return is_json };
    let values = record.entry.view().values();
    is_json
        && values.zip(POINTERS).all(|(value, pointer)| is_equal(value, document.pointer(pointer)))
}

fn is_equal(value: Option<Value<'_>>, expected: Option<&serde_json::Value>) -> bool {
    use serde_json::Value as Json;
    match (value, expected) {
        (None, None) | (Some(Value::Null), Some(Json::Null)) => true,
        (Some(Value::Bool(found)), Some(Json::Bool(expected))) => found == *expected,
        (Some(Value::Text(found)), Some(Json::String(expected))) => found == expected,
        // Minus zero is the integer zero here, and a double there.
        (Some(Value::Int(0)), Some(Json::Number(expected))) => expected.as_f64() == Some(0.0),
        (Some(Value::Int(found)), Some(Json::Number(expected))) => expected.as_i64() == Some(found),
        (Some(Value::Uint(found)), Some(Json::Number(expected))) => {
            expected.as_u64() == Some(found)
        }
        (Some(Value::Double(_) | Value::NumberText(_)), Some(Json::Number(expected))) => {
            expected.is_f64()
        }
        (Some(Value::Json(found)), Some(expected @ (Json::Array(_) | Json::Object(_)))) => {
            serde_json::from_str::<Json>(found).is_ok_and(|found| found == *expected)
        }
        _ => false,
    }
}
