//! Where a table takes the key of a record from, and of a tombstone, which has no document.

use super::document::{CompiledSource, ParsedMessage, Pointers};
use super::json::JsonValue;
use crate::config::KeySources;
use crate::record::Reject;

/// The places that may have the key. The first that has one counts.
#[derive(Debug)]
pub(super) struct KeySource(Box<[CompiledSource]>);

impl KeySource {
    pub(super) fn new(sources: &KeySources, pointers: &mut Pointers) -> Self {
        let compile = |source| CompiledSource::new(source, pointers);
        Self(sources.as_slice().iter().map(compile).collect())
    }

    /// The places, in order.
    pub(super) fn sources(&self) -> impl Iterator<Item = &CompiledSource> {
        self.0.iter()
    }

    /// The key of a record; `None` if it has none.
    pub(super) fn value<'d>(
        &self,
        record: &ParsedMessage<'d, '_>,
    ) -> Result<Option<JsonValue<'d>>, Reject> {
        first_value(self.0.iter(), record)
    }

    /// The key of a record that is a tombstone. What points into a document finds nothing in it. A
    /// table that never looks at the record key takes it as it is.
    pub(super) fn value_of_tombstone<'d>(
        &self,
        record: &ParsedMessage<'d, '_>,
    ) -> Result<Option<JsonValue<'d>>, Reject> {
        let value = self.value(record)?;
        if value.is_some() || self.0.iter().any(CompiledSource::is_of_record_key) {
            return Ok(value);
        }
        record.record_key.scalar_identifier()
    }

    /// The key of a record whose document cannot be read; `None` if only the document would tell.
    pub(super) fn value_without_document<'d>(
        &self,
        record: &ParsedMessage<'d, '_>,
    ) -> Result<Option<JsonValue<'d>>, Reject> {
        first_value(self.0.iter().take_while(|source| source.is_outside_document()), record)
    }
}

fn first_value<'d, 's>(
    sources: impl Iterator<Item = &'s CompiledSource>,
    record: &ParsedMessage<'d, '_>,
) -> Result<Option<JsonValue<'d>>, Reject> {
    for source in sources {
        let value = match source {
            CompiledSource::RecordKey => record.record_key.identifier()?,
            source => record.present(source)?,
        };
        if value.is_some() {
            return Ok(value);
        }
    }
    Ok(None)
}
