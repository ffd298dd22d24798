//! A table's sources, compiled: where its keys, fields, conditions, times and versions come from.

use super::document::{CompiledSource, Pointers};
use super::filters::Filters;
use super::key_source::KeySource;
use super::life::CompiledLife;
use super::message::Message;
use super::record_key::RecordKey;
use crate::config::{Condition, KeySources, Life, Source};

/// Everything that a table reads of a message.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) key: KeySource,
    /// In the order of the table's fields.
    pub(super) fields: Box<[CompiledSource]>,
    pub(super) filters: Filters,
    pub(super) life: CompiledLife,
    /// `None` if the table goes by the times of records.
    pub(super) version: Option<CompiledSource>,
    pub(super) pointers: Pointers,
}

impl Sources {
    pub(super) fn new(key: &KeySources, fields: &[Source], life: &Life) -> Self {
        let mut pointers = Pointers::default();
        let key = KeySource::new(key, &mut pointers);
        let fields = fields.iter().map(|field| CompiledSource::new(field, &mut pointers)).collect();
        let life = CompiledLife::new(life, &mut pointers);
        Self { key, fields, filters: Filters::default(), life, version: None, pointers }
    }

    pub(super) fn set_only_when(&mut self, conditions: &[Condition]) {
        self.filters.set_only_when(conditions, &mut self.pointers);
    }

    pub(super) fn set_delete_when(&mut self, conditions: &[Condition]) {
        self.filters.set_delete_when(conditions, &mut self.pointers);
    }

    pub(super) fn set_version(&mut self, source: &Source) {
        self.version = Some(CompiledSource::new(source, &mut self.pointers));
    }

    /// Whether any source points into the document.
    pub(super) fn needs_document(&self) -> bool {
        !self.pointers.into_document.is_empty()
    }

    /// Whether any source is a header.
    pub(super) fn reads_headers(&self) -> bool {
        self.all().any(|source| matches!(source, CompiledSource::Header(_)))
    }

    /// The record key, if it is looked at as JSON: because it is a quoted string, or because it is an
    /// object or array that a source points into or a tombstone must not have.
    pub(super) fn record_key_as_json<'m>(&self, message: &Message<'m>) -> Option<&'m [u8]> {
        let key = message.key.filter(|key| key.len() <= RecordKey::MAX_JSON_BYTES)?;
        let is_tombstone = message.payload.is_none();
        let is_looked_at = match key.trim_ascii_start().first()? {
            b'"' => is_tombstone || self.all().any(CompiledSource::is_of_record_key),
            b'{' | b'[' => is_tombstone || !self.pointers.into_record_key.is_empty(),
            _ => false,
        };
        is_looked_at.then_some(key)
    }

    fn all(&self) -> impl Iterator<Item = &CompiledSource> {
        let others = self.filters.sources().chain(self.life.sources()).chain(&self.version);
        self.key.sources().chain(&self.fields).chain(others)
    }
}
