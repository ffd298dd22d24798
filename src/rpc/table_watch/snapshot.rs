//! The current entries of a watch: those of its keys, or all that a walk through the table finds.

use std::sync::Arc;

use tonic::Status;

use super::filter::KeyFilter;
use super::page::{ENOUGH_BYTES, EventWriter};
use crate::record::EntryView;
use crate::rpc::call::Call;
use crate::rpc::response::FinishedResponse;
use crate::rpc::scan::{TableWalk, Walks};
use crate::table::{ChangeReader, Table};

/// The current entries that are not sent yet.
pub(super) struct Snapshot {
    entries: Entries,
    /// All are sent, and what changed meanwhile ends here.
    end: Option<u64>,
}

enum Entries {
    Walk(TableWalk),
    Keys { table: Arc<Table>, keys: Vec<Box<str>> },
}

impl Snapshot {
    /// The entries that the filter includes, from now on.
    pub(super) fn begin(
        table: &Arc<Table>,
        walks: &Walks,
        filter: &KeyFilter,
        call: &Call,
    ) -> Self {
        let entries = match filter {
            KeyFilter::Prefix(prefix) => {
                Entries::Walk(walks.of(table, prefix.to_string(), None, call))
            }
            KeyFilter::Keys(keys) => {
                Entries::Keys { table: Arc::clone(table), keys: keys.to_vec() }
            }
        };
        Self { entries, end: None }
    }

    /// Whether all entries are sent, and all that changed while they were, for a watch that has
    /// reached this position.
    pub(super) fn is_complete_at(&self, position: u64) -> bool {
        self.end.is_some_and(|end| position >= end)
    }

    /// Sends the next entries, and says how many they are. None if there are no more.
    pub(super) async fn send(
        &mut self,
        call: &Call,
        writer: &EventWriter<'_>,
        reader: &ChangeReader,
    ) -> Result<Option<(FinishedResponse, usize)>, Status> {
        if self.end.is_some() {
            return Ok(None);
        }
        if let Entries::Walk(walk) = &mut self.entries {
            walk.find_places(call).await?;
        }
        let (mut read, mut entries) = (0, 0);
        let response = call.respond(|_, buffer| {
            (read, entries) = (0, 0);
            while buffer.message_bytes() < ENOUGH_BYTES
                && self.entries.read(read, |key, entry| {
                    writer.put_current(key, entry, buffer);
                    entries += 1;
                })
            {
                read += 1;
            }
            Ok(())
        });
        let response = response.await?;
        self.entries.advance(read);
        if read == 0 {
            self.end = Some(reader.end());
        }
        // A response may have no entry, where all have left meanwhile.
        Ok((entries > 0).then_some((response, entries)))
    }
}

impl Entries {
    /// Shows the entry at one of the places that are left. False if there is no such place.
    fn read(&self, index: usize, mut visit: impl FnMut(&str, EntryView<'_>)) -> bool {
        match self {
            Self::Walk(walk) => {
                let place = walk.places().get(index);
                place.map(|place| walk.read(*place, visit)).is_some()
            }
            Self::Keys { table, keys } => {
                let key = keys.get(index);
                key.map(|key| table.peek(key, table.now(), |entry| visit(key, entry))).is_some()
            }
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Walk(walk) => walk.advance(count),
            Self::Keys { keys, .. } => drop(keys.drain(..count)),
        }
    }
}
