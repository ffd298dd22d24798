//! The answer of `millpond get` as text for people.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cli::output::{escaped, value_text};
use crate::proto::v1::lookup_result::Outcome;
use crate::proto::v1::{AsOf, BatchGetResponse, Entry, Miss, MissReason, PartitionOffset};

/// The outcome for each key, and how complete the table is.
pub(super) fn answer(keys: &[String], answer: &BatchGetResponse) -> String {
    let outcomes = answer.results.iter().map(|result| &result.outcome);
    let texts = keys.iter().zip(outcomes).map(|(key, outcome)| match outcome {
        Some(Outcome::Entry(entry)) => entry_text(entry),
        Some(Outcome::Miss(miss)) => miss_text(key, miss),
        None => String::new(),
    });
    texts.collect::<String>() + &as_of_text(answer.as_of)
}

fn entry_text(entry: &Entry) -> String {
    let mut text = format!("{}\n", escaped(&entry.key));
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
        MissReason::EvictedForPressure => {
            format!("evicted {time}, because memory was short")
        }
        MissReason::Deleted => {
            let PartitionOffset { partition, offset } = miss.deleted_by.unwrap_or_default();
            format!("deleted by partition {partition} offset {offset}")
        }
        MissReason::Unknown | MissReason::Unspecified => "not there".into(),
    };
    format!("{}\n  {why}\n", escaped(key))
}

fn as_of_text(as_of: Option<AsOf>) -> String {
    let Some(as_of) = as_of else { return String::new() };
    let state = if as_of.ready { "complete" } else { "loading" };
    let newest = as_of.newest_record_time.map_or("none".into(), |time| time.to_string());
    let known = as_of.staleness.and_then(|staleness| Duration::try_from(staleness).ok());
    let known = known.map_or(String::new(), |staleness| {
        format!(", known complete {:.1} s ago", staleness.as_secs_f64())
    });
    format!("table {state}{known}, newest record {newest}\n")
}
