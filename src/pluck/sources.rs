//! A table's sources, compiled: where its keys, fields, conditions and times come from.

use std::time::Duration;

use super::document::CompiledSource;
use super::filters::Filters;
use super::json::Paths;
use super::life::LifeStart;
use super::message::Message;
use crate::config::{Condition, Source};

/// Everything that a table reads of a message with a payload; a tombstone gives its record key
/// only.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) key: CompiledSource,
    /// In the order of the table's fields.
    pub(super) fields: Box<[CompiledSource]>,
    pub(super) filters: Filters,
    /// `None` if the time to live counts from a time outside the record's data.
    pub(super) life_start: Option<LifeStart>,
    /// `None` if the table goes by the times of records.
    pub(super) version: Option<CompiledSource>,
    /// Every pointer among the sources, in one tree.
    pub(super) paths: Paths,
}

impl Sources {
    pub(super) fn new(key: &Source, fields: &[Source]) -> Self {
        let mut paths = Paths::default();
        let key = CompiledSource::new(key, &mut paths);
        let fields = fields.iter().map(|field| CompiledSource::new(field, &mut paths)).collect();
        Self { key, fields, filters: Filters::default(), life_start: None, version: None, paths }
    }

    pub(super) fn set_only_when(&mut self, conditions: &[Condition]) {
        self.filters.set_only_when(conditions, &mut self.paths);
    }

    pub(super) fn set_delete_when(&mut self, conditions: &[Condition]) {
        self.filters.set_delete_when(conditions, &mut self.paths);
    }

    pub(super) fn set_life_start(&mut self, source: &Source, ttl: Duration) {
        let source = CompiledSource::new(source, &mut self.paths);
        self.life_start = Some(LifeStart { source, ttl });
    }

    pub(super) fn set_version(&mut self, source: &Source) {
        self.version = Some(CompiledSource::new(source, &mut self.paths));
    }

    /// How many bytes they read of a message outside its document.
    pub(super) fn bytes_outside_document(&self, message: &Message<'_>) -> usize {
        let life_start = self.life_start.as_ref().map(|start| &start.source);
        let others =
            self.fields.iter().chain(self.filters.sources()).chain(life_start).chain(&self.version);
        let bytes = |source: &CompiledSource| source.bytes_outside_document(message);
        bytes(&self.key) + others.map(bytes).sum::<usize>()
    }

    /// Whether any source points into the document.
    pub(super) fn needs_document(&self) -> bool {
        !self.paths.is_empty()
    }
}
