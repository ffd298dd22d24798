//! Writes a `WatchResponse`. The entries in it are written straight from the table's memory, or from
//! the changes, so the field numbers here are those of `proto/millpond/v1/lookup.proto`.

use prost::encoding::key_len;

use super::filter::KeyFilter;
use crate::proto::v1::watch_event::Event;
use crate::proto::v1::{PartitionOffset, RemovedEntry, WatchEvent};
use crate::record::EntryView;
use crate::rpc::convert::{to_origin, to_removal_cause, to_timestamp};
use crate::rpc::field_mask::FieldMask;
use crate::rpc::lookup_response::{FoundEntry, field_len};
use crate::rpc::response::ResponseBuffer;
use crate::table::{Change, ChangeKind, Changes, Table};

/// A response ends with the event with which it has so many bytes.
pub(super) const ENOUGH_BYTES: usize = 32 << 10;

/// Field numbers of `WatchResponse`.
mod response {
    pub(super) const EVENTS: u32 = 1;
    pub(super) const RESUME_TOKEN: u32 = 2;
}
/// Field numbers of `WatchEvent`.
mod event {
    pub(super) const CURRENT: u32 = 2;
    pub(super) const STORED: u32 = 4;
}
/// Field numbers of `StoredEntry`.
mod stored {
    pub(super) const ENTRY: u32 = 1;
    pub(super) const REPLACED: u32 = 2;
}

/// Writes the events of one table.
pub(super) struct EventWriter<'a> {
    names: &'a [Box<str>],
    mask: &'a FieldMask,
}

impl<'a> EventWriter<'a> {
    pub(super) fn new(table: &'a Table, mask: &'a FieldMask) -> Self {
        Self { names: table.fields(), mask }
    }

    /// Writes the changes that the filter includes, until the response is large enough. Returns the
    /// position after those that were looked at, and how many were written.
    pub(super) fn put_changes(
        &self,
        changes: &Changes,
        filter: &KeyFilter,
        buffer: &mut ResponseBuffer,
    ) -> (u64, usize) {
        let (mut position, mut events) = (0, 0);
        for change in changes.iter() {
            if buffer.message_bytes() >= ENOUGH_BYTES {
                break;
            }
            position = change.position;
            if filter.includes(change.key) {
                self.put_change(&change, buffer);
                events += 1;
            }
        }
        (position, events)
    }

    fn put_change(&self, change: &Change<'_>, buffer: &mut ResponseBuffer) {
        let Change { key, origin, expires_at, kind, .. } = *change;
        match kind {
            ChangeKind::Stored { fields, replaced } => {
                // What is not sent of an entry does not matter.
                let entry = EntryView { origin, rank: 0, expires_at, replaced_count: 0, fields };
                put_stored(&self.found(key, entry), replaced, buffer);
            }
            ChangeKind::Removed { removal, by } => {
                let removed = RemovedEntry {
                    key: key.to_owned(),
                    cause: to_removal_cause(removal).into(),
                    origin: Some(to_origin(origin)),
                    expire_time: Some(to_timestamp(expires_at)),
                    deleted_by: by.map(|(partition, offset)| PartitionOffset { partition, offset }),
                };
                put_event(Event::Removed(removed), buffer);
            }
        }
    }

    /// Writes an entry that the table has.
    pub(super) fn put_current(&self, key: &str, entry: EntryView<'_>, buffer: &mut ResponseBuffer) {
        let found = self.found(key, entry);
        buffer.put_length(response::EVENTS, field_len(event::CURRENT, found.encoded_len()));
        found.put_field(event::CURRENT, buffer);
    }

    fn found<'e>(&'e self, key: &'e str, entry: EntryView<'e>) -> FoundEntry<'e> {
        FoundEntry::new(key, self.names, self.mask, entry)
    }
}

fn put_stored(found: &FoundEntry<'_>, replaced: bool, buffer: &mut ResponseBuffer) {
    let replaced_len = if replaced { key_len(stored::REPLACED) + 1 } else { 0 };
    let stored_len = field_len(stored::ENTRY, found.encoded_len()) + replaced_len;
    buffer.put_length(response::EVENTS, field_len(event::STORED, stored_len));
    buffer.put_length(event::STORED, stored_len);
    found.put_field(stored::ENTRY, buffer);
    if replaced {
        buffer.put_integer(stored::REPLACED, 1);
    }
}

/// Writes the token that goes on after the events.
pub(super) fn put_token(token: &str, buffer: &mut ResponseBuffer) {
    buffer.put_text(response::RESUME_TOKEN, token);
}

/// Writes an event without an entry.
pub(super) fn put_event(event: Event, buffer: &mut ResponseBuffer) {
    buffer.put_field(response::EVENTS, &WatchEvent { event: Some(event) });
}
