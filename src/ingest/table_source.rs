//! One table as seen from the stream: which topic sources it and what a record does to it.

use std::sync::Arc;

use rdkafka::message::{BorrowedMessage, Headers, Message as _};

use super::pluck_context::{self, PluckContext};
use crate::config::{self, Config, TtlFrom};
use crate::pluck::{Limits, Message, Plucked, Plucker};
use crate::record::{Draft, Origin, Reject, Timestamp};
use crate::stats::Outcome;
use crate::table::{Ghost, Inserted, Table};

/// A table and what fills it.
#[derive(Clone)]
pub struct TableSource {
    /// Where records go.
    pub table: Arc<Table>,
    /// Where they come from.
    pub source: config::Table,
}

impl TableSource {
    /// Whether a record's timestamp tells when the entry made of it is over.
    pub(super) fn lives_from_record(&self) -> bool {
        self.source.ttl_from == TtlFrom::Record
    }

    pub(super) fn writer(&self, config: &Config) -> TableWriter {
        TableWriter {
            table: Arc::clone(&self.table),
            plucker: plucker(&self.source, pluck_context::limits(&config.ingest)),
            dead_letter: config.dead_letter_of(&self.source).map(Into::into),
            lives_from: self.source.ttl_from.clone(),
        }
    }
}

fn plucker(source: &config::Table, limits: Limits) -> Plucker {
    let fields: Vec<_> = source.fields.values().cloned().collect();
    let plucker = Plucker::new(&source.key, &fields, limits)
        .only_when(&source.only_when)
        .delete_when(&source.delete_when);
    match &source.ttl_from {
        TtlFrom::Source(from) => plucker.ttl_from(from, source.ttl),
        TtlFrom::Record | TtlFrom::Arrival => plucker,
    }
}

/// One thread's way into a table.
pub(super) struct TableWriter {
    table: Arc<Table>,
    plucker: Plucker,
    dead_letter: Option<Box<str>>,
    lives_from: TtlFrom,
}

impl TableWriter {
    /// Where what it rejects is handed on to.
    pub(super) fn dead_letter(&self) -> Option<&str> {
        self.dead_letter.as_deref()
    }

    /// Plucks one record and does to the table what it says.
    pub(super) fn take(
        &self,
        context: &mut PluckContext,
        message: &BorrowedMessage<'_>,
        origin: Origin,
        now: Timestamp,
    ) -> Outcome {
        let lives_from = match self.lives_from {
            TtlFrom::Record => origin.time,
            // Of a time in the record this is the latest that it can be.
            TtlFrom::Arrival | TtlFrom::Source(_) => now,
        };
        let message = Message {
            key: message.key(),
            payload: message.payload(),
            header: &|name| header(message, name),
            origin,
            expires_at: self.table.expiry_of(lives_from, now),
        };
        let mut scratch = context.scratch_for(&self.plucker, &message);
        match self.plucker.pluck(&message, &mut scratch) {
            Ok(Plucked::Record(draft)) => self.store(draft, now),
            Ok(Plucked::Tombstone(key)) => {
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
            Inserted::TooLarge => Outcome::Rejected(Reject::EntryTooLarge),
        }
    }
}

/// The value of the last header of that name, as Kafka's own clients take it.
fn header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a [u8]> {
    let headers = message.headers()?;
    let last_first = (0..headers.count()).rev().filter_map(|index| headers.try_get(index));
    last_first.into_iter().find(|header| header.key == name)?.value
}
