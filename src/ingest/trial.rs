//! Gives records to a table that no service has, by the code that feeds the real ones, and says what
//! becomes of each.
//!
//! It knows neither where the records come from nor who reads the answers.

use std::sync::Arc;

use super::apply::{IncomingRecord, TableSource, TableWriter};
use super::sample::{Sample, SampleOutcome, SampleParts, detail, time_text};
use crate::config::{self, Config};
use crate::pluck::{Plucked, Rejected, Scratch};
use crate::record::{Origin, Recency, Record, Timestamp};
use crate::stats::Outcome;
use crate::table::Table;

/// A record to try, in memory of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrialRecord {
    /// Its key; none if it is null.
    pub key: Option<Vec<u8>>,
    /// Its value; none if it is null.
    pub payload: Option<Vec<u8>>,
    /// Its headers, in their order. A value may be null.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds since 1970; none for the time at which it is tried.
    pub time_millis: Option<i64>,
}

impl TrialRecord {
    /// The bytes of its key, its value and its headers.
    pub fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter().map(|(name, value)| name.len() + length(value));
        length(&self.key) + length(&self.payload) + headers.sum::<usize>()
    }

    /// The value of the last header of that name, as the service reads it.
    fn header(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().rev().find(|(each, _)| each == name);
        found?.1.as_deref()
    }

    fn time(&self, now: Timestamp) -> Timestamp {
        self.time_millis.map_or(now, Timestamp::from_millis)
    }

    fn origin(&self, now: Timestamp) -> Origin {
        let Self { partition, offset, .. } = *self;
        Origin { partition, offset, time: self.time(now) }
    }
}

/// A table to try records on.
pub struct Trial {
    table: Arc<Table>,
    config: config::Table,
    writer: TableWriter,
    scratch: Scratch,
}

/// What became of a record.
pub struct Tried {
    /// What the service would count.
    pub outcome: Outcome,
    /// The same for people.
    pub sample: Sample,
}

impl Trial {
    /// A trial of the table of a source.
    pub fn new(source: &TableSource, config: &Config) -> Self {
        Self {
            table: Arc::clone(&source.table),
            config: source.config.clone(),
            writer: source.writer(config),
            scratch: Scratch::new(),
        }
    }

    /// Gives the table a record that arrives at `now`.
    pub fn apply(&mut self, record: &TrialRecord, now: Timestamp) -> Tried {
        let Self { table, writer, scratch, .. } = self;
        let plucked = pluck(writer, scratch, record, now);
        let parts = SampleParts::of(&plucked, table.fields());
        let time_rank = record.time_millis.unwrap_or(Recency::NO_TIME);
        let outcome = writer.change(plucked, record.origin(now), time_rank, now);
        Tried { outcome, sample: self.sample(record, now, outcome, parts) }
    }

    /// Plucks a record and changes nothing. The record that would be stored, if there is one.
    pub fn pluck(&mut self, record: &TrialRecord, now: Timestamp) -> Option<Record> {
        match pluck(&self.writer, &mut self.scratch, record, now) {
            Ok(Plucked::Record(draft)) if !draft.is_oversized() => Some(draft.copy()),
            Ok(_) | Err(_) => None,
        }
    }

    /// Plucks a record as [`Self::pluck`], and copies nothing. Whether it gives an entry.
    pub fn plucks(&mut self, record: &TrialRecord, now: Timestamp) -> bool {
        let plucked = pluck(&self.writer, &mut self.scratch, record, now);
        matches!(plucked, Ok(Plucked::Record(_)))
    }

    fn sample(
        &self,
        record: &TrialRecord,
        now: Timestamp,
        outcome: Outcome,
        parts: SampleParts,
    ) -> Sample {
        let SampleParts { deleted_key, entry } = parts;
        let reject = match outcome {
            Outcome::Rejected(reject) => Some(reject),
            _ => None,
        };
        let payload = record.payload.as_deref();
        let sample_outcome = SampleOutcome::from(outcome);
        let (entry, expired) = match sample_outcome {
            SampleOutcome::Expired => (None, entry.map(|entry| entry.expires)),
            SampleOutcome::Rejected => (None, None),
            _ => (entry, None),
        };
        Sample {
            table: self.table.name().to_owned(),
            partition: record.partition,
            offset: record.offset,
            time: time_text(record.time(now)),
            outcome: sample_outcome,
            reason: reject.map(crate::record::Reject::name),
            detail: reject.map(|reject| detail(reject, payload, &self.config)),
            deleted_key,
            expired,
            entry,
        }
    }
}

/// Plucks a record as one that comes from a broker.
fn pluck<'s>(
    writer: &TableWriter,
    scratch: &'s mut Scratch,
    record: &TrialRecord,
    now: Timestamp,
) -> Result<Plucked<'s>, Rejected<'s>> {
    let incoming = IncomingRecord {
        key: record.key.as_deref(),
        payload: record.payload.as_deref(),
        header: &|name| record.header(name),
        origin: record.origin(now),
    };
    writer.pluck(scratch, &incoming, now)
}
