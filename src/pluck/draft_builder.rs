//! Builds what is plucked from a message and its document, in scratch memory that it owns.
//!
//! Decides in this order whether the record counts, what its key is, whether it deletes, when
//! it expires and what its fields hold.

use super::document::ParsedMessage;
use super::json::{Document, JsonText, JsonValue, Positions};
use super::key::KeyScratch;
use super::limits::Limits;
use super::message::{Deletion, Message, Plucked};
use super::sources::Sources;
use super::version;
use crate::record::{Draft, FieldsBuffer, Reject, Value};

/// Scratch memory for one draft, reused for the next.
#[derive(Debug, Default)]
pub(super) struct DraftBuilder {
    positions: Positions,
    key: KeyScratch,
    fields: FieldsScratch,
}

impl DraftBuilder {
    /// Plucks a message that has a payload. `document` is what it holds, and empty if no source
    /// needs it.
    pub(super) fn build<'s>(
        &'s mut self,
        sources: &Sources,
        limits: Limits,
        message: &Message<'_>,
        document: Document<'_>,
    ) -> Result<Plucked<'s>, Reject> {
        let document = sources.paths.locate(document, &mut self.positions);
        let record = ParsedMessage { message, document };
        if !sources.filters.is_accepted(&record)? {
            return Ok(Plucked::Filtered);
        }
        let key = self.key.copy(record.value(&sources.key)?, limits.max_key_bytes)?;
        let version = sources.version.as_ref().map(|source| version::find(source, &record));
        let version = version.transpose()?.map(|found| found.ok_or(Reject::MissingVersion));
        let version = version.transpose()?;
        if sources.filters.is_deletion(&record)? {
            return Ok(Plucked::Deletion(Deletion { key, version }));
        }
        let expires_at = match &sources.life_start {
            Some(start) => start.expiry(&record)?,
            None => message.expires_at,
        };
        let fields = self.fields.pack(sources, limits, &record)?;
        let draft = match fields {
            Some(fields) => Draft::new(key, message.origin, expires_at, fields),
            None => Draft::oversized(key, message.origin, expires_at),
        };
        Ok(Plucked::Record(version.map_or(draft, |version| draft.ranked(version))))
    }

    /// Plucks a tombstone, a message without a payload: it deletes the entry whose key is the
    /// record's key. The table's `key` does not apply, since it may point into a document.
    pub(super) fn build_tombstone<'s>(
        &'s mut self,
        sources: &Sources,
        limits: Limits,
        message: &Message<'_>,
    ) -> Result<Plucked<'s>, Reject> {
        let document = sources.paths.locate(Document::default(), &mut self.positions);
        let record = ParsedMessage { message, document };
        let version = sources.version.as_ref().map(|source| version::find(source, &record));
        let version = version.transpose()?.flatten();
        let key = message.key_text()?.map(JsonValue::Text);
        let key = self.key.copy(key, limits.max_key_bytes)?;
        Ok(Plucked::Deletion(Deletion { key, version }))
    }

    /// Scratch bytes held, apart from a few for each source.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.key.scratch_bytes() + self.fields.scratch_bytes()
    }
}

#[derive(Debug, Default)]
struct FieldsScratch {
    fields: FieldsBuffer,
    json: JsonText,
}

impl FieldsScratch {
    /// Packs the values of a record in the order of the table's fields; `None` as soon as they
    /// are too large for an entry.
    fn pack(
        &mut self,
        sources: &Sources,
        limits: Limits,
        record: &ParsedMessage<'_, '_>,
    ) -> Result<Option<&FieldsBuffer>, Reject> {
        self.fields.clear();
        for source in &sources.fields {
            let packed_bytes = self.fields.fields().packed_bytes();
            let max_bytes = limits.max_values_bytes.saturating_sub(packed_bytes);
            if self.push(record.value(source)?, max_bytes).is_none() {
                return Ok(None);
            }
        }
        Ok(Some(&self.fields))
    }

    /// Packs one value; `None` if it has more than `max_bytes`.
    fn push(&mut self, value: Option<JsonValue<'_>>, max_bytes: usize) -> Option<()> {
        let value = match value {
            None => None,
            Some(JsonValue::Null) => Some(Value::Null),
            Some(JsonValue::Bool(bool)) => Some(Value::Bool(bool)),
            Some(JsonValue::Int(int)) => Some(Value::Int(int)),
            Some(JsonValue::Uint(uint)) => Some(Value::Uint(uint)),
            Some(JsonValue::Number(number)) => Some(match number.exact_double() {
                Some(double) => Value::Double(double),
                None => Value::NumberText(within(number.text(), max_bytes)?),
            }),
            Some(JsonValue::Text(text) | JsonValue::DamagedText(text)) => {
                Some(Value::Text(within(text, max_bytes)?))
            }
            Some(JsonValue::Container(container)) => {
                Some(Value::Json(self.json.write(container, max_bytes)?))
            }
        };
        self.fields.push(value);
        Some(())
    }

    fn scratch_bytes(&self) -> usize {
        self.fields.capacity() + self.json.scratch_bytes()
    }
}

fn within(text: &str, max_bytes: usize) -> Option<&str> {
    (text.len() <= max_bytes).then_some(text)
}
