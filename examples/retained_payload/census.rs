//! The memory of all sides at the end, side by side, in at most 100 columns.

use crate::delivery::SET_BYTES;
use crate::events::SERVICES;
use crate::figures::{count, mib};

/// The memory of one side. All but the plucked bytes is measured by the allocator or the system.
pub(crate) struct Census {
    pub(crate) name: &'static str,
    /// Bytes of the payloads of all messages.
    pub(crate) received_bytes: u64,
    pub(crate) entries: u64,
    /// Bytes of the keys and values of the entries.
    pub(crate) plucked_bytes: u64,
    /// Bytes allocated for messages and not freed.
    pub(crate) message_bytes: u64,
    /// Bytes allocated for the table and for its own keys and values.
    pub(crate) table_bytes: u64,
    /// The growth of the resident memory of the process.
    pub(crate) resident_bytes: u64,
    pub(crate) curve: Vec<Sample>,
}

/// The memory held after each number of messages.
pub(crate) struct Sample {
    pub(crate) messages: u32,
    pub(crate) held_bytes: u64,
}

impl Census {
    pub(crate) fn held_bytes(&self) -> u64 {
        self.message_bytes + self.table_bytes
    }

    fn bytes_per_entry(&self) -> u64 {
        self.held_bytes() / self.entries.max(1)
    }
}

/// A table of all sides. The last one is the baseline of the ratios.
pub(crate) fn side_by_side(messages: u32, all: &[Census]) -> String {
    let row = |label: &str, cell: &dyn Fn(&Census) -> String| row(label, all, cell);
    let base = all.last().map_or(0, Census::held_bytes);
    let in_mib = |bytes: u64| format!("{:.1} MiB", mib(bytes));
    [
        opening(messages, all),
        row("", &|side| side.name.into()),
        row("entries", &|side| count(side.entries)),
        row("bytes plucked, of these", &|side| in_mib(side.plucked_bytes)),
        row("held for messages", &|side| in_mib(side.message_bytes)),
        row("held for the table", &|side| in_mib(side.table_bytes)),
        row("held in all", &|side| in_mib(side.held_bytes())),
        row("held per entry", &|side| format!("{} B", count(side.bytes_per_entry()))),
        row("resident after a purge", &|side| in_mib(side.resident_bytes)),
        row("held, to that of the copies", &|side| {
            format!("{:.1} x", mib(side.held_bytes()) / mib(base))
        }),
    ]
    .join("\n")
        + "\n"
}

fn opening(messages: u32, all: &[Census]) -> String {
    let received = all.first().map_or(0, |side| side.received_bytes);
    format!(
        "{} made-up messages, {} MiB of JSON, under {} keys. A later one replaces an\n\
         earlier one. Each message is dropped when it is handled, unless a slice keeps it.\n\n\
         slices of message sets  the plucked bytes are slices of a message, which is a slice of\n\
         {:24}the message set in which it was fetched, {} KiB\n\
         slices of messages      the same, but each message was copied into separate memory\n\
         copies                  messages of message sets; the plucked bytes are copied\n",
        count(messages.into()),
        count(received >> 20),
        count(SERVICES.into()),
        "",
        SET_BYTES >> 10,
    )
}

fn row(label: &str, all: &[Census], cell: &dyn Fn(&Census) -> String) -> String {
    let cells: Vec<_> = all.iter().map(|side| format!("{:>24}", cell(side))).collect();
    format!("{label:<28}{}", cells.concat())
}
