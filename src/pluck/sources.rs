//! A table's sources, compiled, and what is read of a message outside its document.
//!
//! Headers and record keys are bytes to Kafka and text here. One that is named as
//! a source and is not UTF-8 rejects the message, like a document that is not: to
//! leave the field out would say that the message had none.

use super::Message;
use super::filters::Filters;
use super::paths::{PathId, Paths};
use super::time;
use crate::config::Source;
use crate::record::Reject;

/// Where a table's key and fields come from.
#[derive(Debug)]
pub(super) struct Sources {
    /// Where the key comes from.
    pub(super) key: Place,
    /// Where each field comes from, in the table's order.
    pub(super) fields: Box<[Place]>,
    /// Which records count, and which delete.
    pub(super) filters: Filters,
    /// Where the time is that a life counts from, if it is in the message.
    pub(super) lives_from: Option<time::LivesFrom>,
    /// The pointers that places name.
    pub(super) paths: Paths,
}

/// Where one value comes from.
#[derive(Debug)]
pub(super) enum Place {
    Envelope(Envelope),
    Document(PathId),
}

/// A part of a message outside its document.
#[derive(Debug)]
pub(super) enum Envelope {
    RecordKey,
    Header(Box<str>),
}

impl Sources {
    /// Compiles all pointers into one tree.
    pub(super) fn compile(key: &Source, fields: &[Source]) -> Self {
        let mut paths = Paths::default();
        let key = Place::of(key, &mut paths);
        let fields = fields.iter().map(|field| Place::of(field, &mut paths)).collect();
        Self { key, fields, filters: Filters::default(), lives_from: None, paths }
    }

    /// How many bytes are read of a message outside its document.
    pub(super) fn envelope_bytes(&self, message: &Message<'_>) -> usize {
        let bytes = |place: &Place| match place {
            Place::Envelope(part) => part.bytes(message).map_or(0, <[u8]>::len),
            Place::Document(_) => 0,
        };
        let time = self.lives_from.as_ref().map(|from| &from.place);
        let others = self.fields.iter().chain(self.filters.places()).chain(time);
        bytes(&self.key) + others.map(bytes).sum::<usize>()
    }

    /// Whether any value comes from the document.
    pub(super) fn need_document(&self) -> bool {
        !self.paths.is_empty()
    }
}

impl Place {
    /// Compiles one source.
    pub(super) fn of(source: &Source, paths: &mut Paths) -> Self {
        match source {
            Source::RecordKey => Self::Envelope(Envelope::RecordKey),
            Source::Header(name) => Self::Envelope(Envelope::Header(name.clone())),
            Source::Pointer(pointer) => Self::Document(paths.add(pointer)),
        }
    }
}

impl Envelope {
    /// The text that stands there; none where there is nothing.
    pub(super) fn text<'a>(&self, message: &Message<'a>) -> Result<Option<&'a str>, Reject> {
        let text = self.bytes(message).map(std::str::from_utf8);
        text.transpose().map_err(|_| Reject::InvalidUtf8)
    }

    fn bytes<'a>(&self, message: &Message<'a>) -> Option<&'a [u8]> {
        match self {
            Self::RecordKey => message.key,
            Self::Header(name) => (message.header)(name),
        }
    }
}
