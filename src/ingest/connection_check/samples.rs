//! The last records of a topic, as its tables would take them.
//!
//! Each record is given to an empty table of its own, by the code that feeds the real ones.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::report::{Sample, SampleEntry, SampleOutcome};
use crate::config::Config;
use crate::ingest::apply::TableSource;
use crate::ingest::client::Consumer;
use crate::ingest::pluck_context::PluckContext;
use crate::record::{Origin, Timestamp, Value};
use crate::stats::Outcome;
use crate::table::Table;

/// How long a topic's last records may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// The last millisecond of the year 9999, after which times have no usual form.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// The offsets that a partition has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    pub(super) partition: i32,
    pub(super) low: i64,
    pub(super) high: i64,
}

/// The last `count` records, by their timestamps, for each of the tables.
pub(super) fn take(
    consumer: &Consumer,
    config: &Config,
    sources: &[&TableSource],
    logs: &[Log],
    count: usize,
) -> KafkaResult<Vec<Sample>> {
    let topic = &sources[0].config.topic;
    let mut unread = assign(consumer, topic, logs, count)?;
    let mut context = PluckContext::new(&Arc::default());
    let mut samples: Vec<(Timestamp, Vec<Sample>)> = Vec::new();
    let start = Instant::now();
    while !unread.is_empty() && start.elapsed() < PATIENCE {
        match consumer.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => {
                let (time, now) = (time_of(&message), Timestamp::now());
                let sample = |source: &&TableSource| {
                    sample(source, config, &mut context, &message, time, now)
                };
                samples.push((time, sources.iter().map(sample).collect()));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                unread.remove(&partition);
            }
            Some(Err(error)) if is_denial(&error) => return Err(error),
            Some(Err(_)) | None => {}
        }
    }
    consumer.unassign()?;
    // Stable: records of one partition stay in their order.
    samples.sort_by_key(|(time, _)| *time);
    let last = samples.split_off(samples.len().saturating_sub(count));
    Ok(last.into_iter().flat_map(|(_, samples)| samples).collect())
}

/// Assigns the ends of the partitions that have any records, and returns these partitions.
fn assign(
    consumer: &Consumer,
    topic: &str,
    logs: &[Log],
    count: usize,
) -> KafkaResult<BTreeSet<i32>> {
    let mut list = TopicPartitionList::new();
    let filled = || logs.iter().filter(|log| log.high > log.low && count > 0);
    for log in filled() {
        let back = i64::try_from(count).unwrap_or(i64::MAX);
        let start = log.high.saturating_sub(back).max(log.low);
        list.add_partition_offset(topic, log.partition, Offset::Offset(start))?;
    }
    consumer.assign(&list)?;
    Ok(filled().map(|log| log.partition).collect())
}

fn is_denial(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed)
}

fn time_of(message: &BorrowedMessage<'_>) -> Timestamp {
    message.timestamp().to_millis().map_or_else(Timestamp::now, Timestamp::from_millis)
}

fn sample(
    source: &TableSource,
    config: &Config,
    context: &mut PluckContext,
    message: &BorrowedMessage<'_>,
    time: Timestamp,
    now: Timestamp,
) -> Sample {
    let table = Arc::new(source.table.empty_copy());
    let writer = TableSource { table: Arc::clone(&table), config: source.config.clone() };
    let origin = Origin { partition: message.partition(), offset: message.offset(), time };
    let writer = writer.writer(config);
    let outcome = writer.apply(context, message, origin, now);
    let deleted_key = writer.deleted_key(context, message, origin, now);
    let (outcome, reason) = match outcome {
        Outcome::Deleted | Outcome::DeletedNothing => (SampleOutcome::Deleted, None),
        Outcome::ExpiredOnArrival => (SampleOutcome::Expired, None),
        Outcome::Filtered => (SampleOutcome::Filtered, None),
        Outcome::Rejected(reject) => (SampleOutcome::Rejected, Some(reject.name())),
        // Into an empty table any other record is stored as a new one.
        Outcome::Stored | Outcome::Replaced | Outcome::Superseded => (SampleOutcome::Stored, None),
    };
    Sample {
        table: source.config.name.clone(),
        partition: origin.partition,
        offset: origin.offset,
        time: time_text(time),
        outcome,
        reason,
        deleted_key,
        entry: entry_of(&table, now),
    }
}

/// The one entry of a table, if there is one.
fn entry_of(table: &Table, now: Timestamp) -> Option<SampleEntry> {
    let found = table.largest(1, None, now).entries.pop()?;
    let key = found.key.as_str();
    let fields = table.peek(key, now, |entry| {
        let named = table.fields().iter().zip(entry.values());
        named.filter_map(|(name, value)| Some((name.to_string(), json(value?)))).collect()
    });
    Some(SampleEntry {
        key: key.to_owned(),
        fields: fields.unwrap_or_default(),
        expires: time_text(found.expires_at),
    })
}

fn json(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => truth.into(),
        Value::Int(number) => number.into(),
        Value::Uint(number) => number.into(),
        Value::Double(number) => number.into(),
        // The text of a number that no number of JSON's usual readers can hold.
        Value::Text(text) | Value::NumberText(text) => text.into(),
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

fn time_text(time: Timestamp) -> String {
    let millis = time.as_millis();
    match u64::try_from(millis) {
        Ok(since) if millis <= LAST_MILLIS => {
            humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(since)).to_string()
        }
        _ => format!("{millis} ms since 1970"),
    }
}
