//! One table as seen from the stream: which topic feeds it and what a record does to it.

use std::sync::Arc;

use rdkafka::message::{BorrowedMessage, Headers, Message as _};

use super::workspace::{self, Workspace};
use crate::config;
use crate::pluck::{Message, Plucked, Plucker};
use crate::record::{Draft, Origin, Record, Reject, Timestamp};
use crate::stats::Outcome;
use crate::table::{Gone, Inserted, Table};

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
        Intake {
            table: Arc::clone(&self.table),
            plucker: Plucker::new(&self.source.key, &fields, workspace::limits(config)),
        }
    }
}

/// One thread's way into a table.
pub(super) struct Intake {
    table: Arc<Table>,
    plucker: Plucker,
}

impl Intake {
    /// Plucks one record and does to the table what it says.
    pub(super) fn take(
        &self,
        workspace: &mut Workspace,
        message: &BorrowedMessage<'_>,
        origin: Origin,
        now: Timestamp,
    ) -> Outcome {
        let message = Message {
            key: message.key(),
            payload: message.payload(),
            header: &|name| header(message, name),
            origin,
            expires_at: self.table.expiry_of(origin.time, now),
        };
        let copy = |draft: Draft<'_>| self.table.account().charge(|| draft.copy());
        match workspace.pluck(&self.plucker, &message, copy) {
            Ok(Plucked::Record(record)) => self.store(record, now),
            Ok(Plucked::Tombstone(key)) => {
                self.table.remove(key.as_str(), Gone::deleted_by(origin));
                Outcome::Deleted
            }
            Ok(Plucked::TooLarge(key)) => {
                self.table.remove(key.as_str(), Gone::deleted_by(origin));
                Outcome::Rejected(Reject::EntryTooLarge)
            }
            Err(reject) => Outcome::Rejected(reject),
        }
    }

    fn store(&self, record: Record, now: Timestamp) -> Outcome {
        if record.entry.is_expired(now) {
            let expired = Gone::Expired(record.entry.expires_at());
            self.table.remove(record.key.as_str(), expired);
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
