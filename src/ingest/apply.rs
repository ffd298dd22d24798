//! What Kafka messages do to one table: the one place that turns messages into changes.
//!
//! `TableWriter::apply` plucks the messages of a batch, has the table load what their keys lead to,
//! and then inserts, removes or does nothing for each, in their order. A message deletes an entry
//! for five reasons. Four are handled here: a tombstone, a record for which `delete_when` holds, a
//! record that has expired on arrival, and a rejected record where `on_reject` is to remove. The
//! fifth, a record that is too large to replace the entry, is handled in `Table::insert`, which is
//! called here. None of them deletes an entry that is newer: the table compares. Beside that, all
//! entries of a partition leave when its topic is recreated. `pluck` has decided which key the
//! entry has (`pluck/draft_builder.rs`). This file must not know partitions, positions or states of
//! topics.

use std::sync::Arc;

use rdkafka::message::{BorrowedMessage, Headers, Message as _};

use super::batch::PolledRecord;
use super::pluck_limits;
use crate::config::{self, Config, OnReject};
use crate::pluck::{Deletion, Limits, Message, Plucked, Plucker, Rejected, Scratch};
use crate::record::{Draft, Origin, RankedBy, Recency, Reject, Timestamp};
use crate::stats::Outcome;
use crate::table::{Ghost, Inserted, Removed, Table};

/// A table, and the configuration of the topic that feeds it.
#[derive(Clone)]
pub struct TableSource {
    /// The table to write to.
    pub table: Arc<Table>,
    /// The table's section of the configuration.
    pub config: config::Table,
}

impl TableSource {
    /// Whether the timestamps of the records tell which of them can matter: those that are older
    /// than the time to live are expired, and no other record is older than they are.
    pub(super) fn is_ruled_by_record_times(&self) -> bool {
        self.config.life.is_told_by_timestamp() && self.config.version.is_none()
    }

    pub(super) fn writer(&self, config: &Config) -> TableWriter {
        let plucker = plucker(&self.config, pluck_limits::limits(&config.ingest));
        TableWriter {
            table: Arc::clone(&self.table),
            reads_headers: plucker.reads_headers(),
            plucker,
            dead_letter_topic: config.dead_letter_of(&self.config).map(Into::into),
            on_reject: self.config.on_reject,
        }
    }
}

fn plucker(table: &config::Table, limits: Limits) -> Plucker {
    let fields: Vec<_> = table.fields.values().cloned().collect();
    let plucker = Plucker::new(&table.key, &fields, &table.life, limits)
        .only_when(&table.only_when)
        .delete_when(&table.delete_when);
    match &table.version {
        Some(version) => plucker.version(version),
        None => plucker,
    }
}

/// A record as it comes: from a broker, or from elsewhere to be tried.
#[derive(Clone, Copy)]
pub(super) struct IncomingRecord<'a> {
    /// Its key; `None` if it is null.
    pub(super) key: Option<&'a [u8]>,
    /// Its value; `None` if it is null.
    pub(super) payload: Option<&'a [u8]>,
    /// Gives the value of a header by its name; `None` if there is no such header or it is null.
    pub(super) header: &'a dyn Fn(&str) -> Option<&'a [u8]>,
    /// Its place in the stream, and its time.
    pub(super) origin: Origin,
}

/// One thread's way to write to one table.
pub(super) struct TableWriter {
    table: Arc<Table>,
    plucker: Plucker,
    reads_headers: bool,
    dead_letter_topic: Option<Box<str>>,
    on_reject: OnReject,
}

impl TableWriter {
    /// The topic that rejected records are handed on to, if there is one.
    pub(super) fn dead_letter_topic(&self) -> Option<&str> {
        self.dead_letter_topic.as_deref()
    }

    /// Takes the partitions among these that hold what the table lost while memory was short, each
    /// with the first offset of that; none while memory is short.
    pub(super) fn take_lost(&self, is_wanted: impl Fn(i32) -> bool) -> Vec<(i32, i64)> {
        self.table.take_lost(is_wanted)
    }

    /// Removes all that came from a partition, since its topic was recreated: its log is another
    /// one now, or gone.
    pub(super) fn remove_partition(&self, partition: i32) {
        self.table.remove_partition(partition);
    }

    /// Plucks messages and changes the table as they say, one after the other. `then` is told the
    /// outcome of each. There is a scratch for each record.
    pub(super) fn apply(
        &self,
        scratches: &mut [Scratch],
        records: &[PolledRecord<'_>],
        now: Timestamp,
        mut then: impl FnMut(&PolledRecord<'_>, Outcome),
    ) {
        let is_batch = |one: &_, next: &_| self.plucks_little(one) && self.plucks_little(next);
        for batch in records.chunk_by(is_batch) {
            let plucked = scratches.iter_mut().zip(batch);
            let plucked: Vec<_> =
                plucked.map(|(scratch, record)| self.pluck_message(scratch, record, now)).collect();
            if batch.len() > 1 {
                self.table.prefetch_for_changes(plucked.iter().filter_map(changed_key));
            }
            for (record, plucked) in batch.iter().zip(plucked) {
                then(record, self.change(plucked, record.origin, record.time_rank, now));
            }
        }
    }

    /// Whether no more than a small record can be plucked from a record: no scratch but the first
    /// takes much memory then.
    fn plucks_little(&self, record: &PolledRecord<'_>) -> bool {
        record.is_small() && !self.reads_headers
    }

    fn pluck_message<'s>(
        &self,
        scratch: &'s mut Scratch,
        record: &PolledRecord<'_>,
        now: Timestamp,
    ) -> Result<Plucked<'s>, Rejected<'s>> {
        let PolledRecord { message, origin, .. } = record;
        let record = IncomingRecord {
            key: message.key(),
            payload: message.payload(),
            header: &|name| header(message, name),
            origin: *origin,
        };
        self.pluck(scratch, &record, now)
    }

    /// Plucks one record from anywhere, and changes nothing.
    pub(super) fn pluck<'s>(
        &self,
        scratch: &'s mut Scratch,
        record: &IncomingRecord<'_>,
        now: Timestamp,
    ) -> Result<Plucked<'s>, Rejected<'s>> {
        let IncomingRecord { key, payload, header, origin } = *record;
        let now_elsewhere = self.table.elsewhere(now);
        let message = Message { key, payload, header, origin, now, now_elsewhere };
        self.plucker.pluck(&message, scratch)
    }

    /// Changes the table as a record says that was plucked.
    pub(super) fn change(
        &self,
        plucked: Result<Plucked<'_>, Rejected<'_>>,
        origin: Origin,
        time_rank: i64,
        now: Timestamp,
    ) -> Outcome {
        match plucked {
            Ok(Plucked::Record(draft)) => match self.table.ranked_by() {
                RankedBy::Time => self.store(draft.ranked(time_rank), now),
                RankedBy::Version => self.store(draft, now),
            },
            // A null payload, or a record for which `delete_when` holds.
            Ok(Plucked::Deletion(deletion)) => self.delete(deletion, origin, time_rank),
            Ok(Plucked::Filtered) => Outcome::Filtered,
            Err(Rejected { reason, outdated }) => {
                if let (OnReject::Remove, Some(outdated)) = (self.on_reject, outdated) {
                    self.delete(outdated, origin, time_rank);
                }
                Outcome::Rejected(reason)
            }
        }
    }

    fn delete(&self, deletion: Deletion<'_>, origin: Origin, time_rank: i64) -> Outcome {
        let Deletion { key, version } = deletion;
        let rank = match self.table.ranked_by() {
            RankedBy::Time => time_rank,
            RankedBy::Version => version.unwrap_or(Recency::NO_VERSION),
        };
        let Origin { partition, offset, .. } = origin;
        let ghost = Ghost::deleted_by(Recency { rank, partition, offset });
        match self.table.remove(key.as_str(), ghost) {
            Removed::Entry => Outcome::Deleted,
            Removed::Nothing => Outcome::DeletedNothing,
            Removed::Superseded => Outcome::Superseded,
        }
    }

    fn store(&self, draft: Draft<'_>, now: Timestamp) -> Outcome {
        let entry = draft.entry();
        if entry.is_expired(now) {
            let ghost = Ghost::expired(entry.recency(), entry.expires_at);
            return match self.table.remove(draft.key(), ghost) {
                Removed::Superseded => Outcome::Superseded,
                Removed::Entry | Removed::Nothing => Outcome::ExpiredOnArrival,
            };
        }
        match self.table.insert(draft, now) {
            Inserted::New => Outcome::Stored,
            Inserted::Replaced => Outcome::Replaced,
            Inserted::Superseded => Outcome::Superseded,
            // The table has deleted the entry that the record would have replaced.
            Inserted::TooLarge => Outcome::Rejected(Reject::EntryTooLarge),
        }
    }
}

/// The key of the entry that a record changes, if it changes one for certain.
fn changed_key<'s>(plucked: &Result<Plucked<'s>, Rejected<'s>>) -> Option<&'s str> {
    match plucked {
        Ok(Plucked::Record(draft)) => Some(draft.key()),
        Ok(Plucked::Deletion(deletion)) => Some(deletion.key.as_str()),
        Ok(Plucked::Filtered) | Err(_) => None,
    }
}

/// The value of the last header of that name, which is the one that Kafka's own clients return.
fn header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a [u8]> {
    let headers = message.headers()?;
    let last_first = (0..headers.count()).rev().filter_map(|index| headers.try_get(index));
    last_first.into_iter().find(|header| header.key == name)?.value
}
