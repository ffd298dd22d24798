//! What one Kafka message does to one table: the one place that turns messages into changes.
//!
//! `TableWriter::apply` plucks the message and then inserts, removes or does nothing, and returns
//! the outcome. A message deletes an entry for four reasons. Three are handled here: a tombstone, a
//! record for which `delete_when` holds, and a record that has expired on arrival. The fourth, a
//! record that is too large to replace the entry, is handled in `Table::insert`, which is called
//! here. `pluck` has decided which key the entry has (`pluck/draft_builder.rs`). This file must not
//! know partitions, positions or states of topics.

use std::sync::Arc;

use rdkafka::message::{BorrowedMessage, Headers, Message as _};

use super::pluck_context::{self, PluckContext};
use crate::config::{self, Config, TtlFrom};
use crate::pluck::{Limits, Message, Plucked, Plucker};
use crate::record::{Draft, Origin, Reject, Timestamp};
use crate::stats::Outcome;
use crate::table::{Ghost, Inserted, Table};

/// A table, and the configuration of the topic that feeds it.
#[derive(Clone)]
pub struct TableSource {
    /// The table to write to.
    pub table: Arc<Table>,
    /// The table's section of the configuration.
    pub config: config::Table,
}

impl TableSource {
    /// Whether the time to live of its entries counts from the timestamps of the records.
    pub(super) fn has_ttl_from_record(&self) -> bool {
        self.config.ttl_from == TtlFrom::Record
    }

    pub(super) fn writer(&self, config: &Config) -> TableWriter {
        TableWriter {
            table: Arc::clone(&self.table),
            plucker: plucker(&self.config, pluck_context::limits(&config.ingest)),
            dead_letter_topic: config.dead_letter_of(&self.config).map(Into::into),
            ttl_from: self.config.ttl_from.clone(),
        }
    }
}

fn plucker(table: &config::Table, limits: Limits) -> Plucker {
    let fields: Vec<_> = table.fields.values().cloned().collect();
    let plucker = Plucker::new(&table.key, &fields, limits)
        .only_when(&table.only_when)
        .delete_when(&table.delete_when);
    match &table.ttl_from {
        TtlFrom::Source(from) => plucker.ttl_from(from, table.ttl),
        TtlFrom::Record | TtlFrom::Arrival => plucker,
    }
}

/// One thread's way to write to one table.
pub(super) struct TableWriter {
    table: Arc<Table>,
    plucker: Plucker,
    dead_letter_topic: Option<Box<str>>,
    ttl_from: TtlFrom,
}

impl TableWriter {
    /// The topic that rejected records are handed on to, if there is one.
    pub(super) fn dead_letter_topic(&self) -> Option<&str> {
        self.dead_letter_topic.as_deref()
    }

    /// Plucks one message and changes the table as it says.
    pub(super) fn apply(
        &self,
        context: &mut PluckContext,
        message: &BorrowedMessage<'_>,
        origin: Origin,
        now: Timestamp,
    ) -> Outcome {
        let message = Message {
            key: message.key(),
            payload: message.payload(),
            header: &|name| header(message, name),
            origin,
            expires_at: self.table.expiry_of(self.life_start(origin, now), now),
        };
        let mut scratch = context.scratch_for(&self.plucker, &message);
        match self.plucker.pluck(&message, &mut scratch) {
            Ok(Plucked::Record(draft)) => self.store(draft, now),
            // A null payload, or a record for which `delete_when` holds.
            Ok(Plucked::Deletion(key)) => {
                self.table.remove(key.as_str(), Ghost::deleted_by(origin));
                Outcome::Deleted
            }
            Ok(Plucked::Filtered) => Outcome::Filtered,
            Err(reject) => Outcome::Rejected(reject),
        }
    }

    fn store(&self, draft: Draft<'_>, now: Timestamp) -> Outcome {
        let entry = draft.entry();
        if entry.is_expired(now) {
            self.table.remove(draft.key(), Ghost::Expired(entry.expires_at));
            return Outcome::ExpiredOnArrival;
        }
        match self.table.insert(draft, now) {
            Inserted::New => Outcome::Stored,
            Inserted::Replaced => Outcome::Replaced,
            // The table has deleted the entry that the record would have replaced.
            Inserted::TooLarge => Outcome::Rejected(Reject::EntryTooLarge),
        }
    }

    /// When the entry's life begins. If a field of the record says when, this is `now`, the latest
    /// that it can be.
    fn life_start(&self, origin: Origin, now: Timestamp) -> Timestamp {
        match self.ttl_from {
            TtlFrom::Record => origin.time,
            TtlFrom::Arrival | TtlFrom::Source(_) => now,
        }
    }
}

/// The value of the last header of that name, which is the one that Kafka's own clients return.
fn header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a [u8]> {
    let headers = message.headers()?;
    let last_first = (0..headers.count()).rev().filter_map(|index| headers.try_get(index));
    last_first.into_iter().find(|header| header.key == name)?.value
}
