//! One table as seen from the stream: which topic feeds it and what a record does to it.

use std::sync::Arc;

use rdkafka::message::{BorrowedMessage, Headers, Message as _};

use crate::config;
use crate::pluck::{Limits, Message, Plucked, Plucker};
use crate::record::{Origin, Record, Reject, Timestamp};
use crate::stats::Outcome;
use crate::table::{Inserted, Table};

/// A table and what fills it.
#[derive(Clone)]
pub struct Feed {
    /// Where records go.
    pub table: Arc<Table>,
    /// Where they come from.
    pub source: config::Table,
}

impl Feed {
    pub(super) fn intake(&self, config: &config::Ingest) -> Intake {
        let fields: Vec<_> = self.source.fields.values().cloned().collect();
        let limits = Limits {
            max_document_bytes: config.max_document.as_usize(),
            max_key_bytes: config.max_key.as_usize(),
        };
        Intake {
            table: Arc::clone(&self.table),
            plucker: Plucker::new(&self.source.key, &fields, limits),
        }
    }
}

/// One thread's way into a table, with scratch memory of its own.
pub(super) struct Intake {
    table: Arc<Table>,
    plucker: Plucker,
}

impl Intake {
    /// Plucks one record and does to the table what it says.
    pub(super) fn take(
        &mut self,
        message: &BorrowedMessage<'_>,
        origin: Origin,
        now: Timestamp,
    ) -> Outcome {
        let plucked = self.plucker.pluck(&Message {
            key: message.key(),
            payload: message.payload(),
            header: &|name| header(message, name),
            origin,
            expires_at: self.table.expiry_of(origin.time, now),
        });
        match plucked {
            Ok(Plucked::Record(record)) => self.store(record, now),
            Ok(Plucked::Tombstone(key)) => {
                self.table.remove(key.as_str());
                Outcome::Deleted
            }
            Err(reject) => Outcome::Rejected(reject),
        }
    }

    fn store(&self, record: Record, now: Timestamp) -> Outcome {
        if record.entry.is_expired(now) {
            self.table.remove(record.key.as_str());
            return Outcome::ExpiredOnArrival;
        }
        match self.table.insert(record) {
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
