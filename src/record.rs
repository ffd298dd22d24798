//! The values that pass from pluck to a table: keys, fields, entries and records.
//!
//! A [`Draft`] is borrowed from the memory that it was plucked into and cannot outlive it.
//! A table copies the draft, so a small string never keeps a large message in memory.
//! This module knows neither Kafka, nor JSON, nor gRPC.

mod draft;
mod entry;
mod fields;
mod key;
mod recency;
mod reject;
mod timestamp;
pub(crate) mod varint;

pub use draft::{Draft, Record};
pub(crate) use entry::EntryHeader;
pub use entry::{Entry, EntryView, Origin};
pub use fields::{Fields, FieldsBuffer, TextKind, TextWriter, Value, Values};
pub use key::{Key, KeyBuffer, KeyRef};
pub use recency::{RankedBy, Recency};
pub use reject::Reject;
pub use timestamp::Timestamp;
