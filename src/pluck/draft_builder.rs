//! Builds what is plucked from a message and its document, in scratch memory that it owns.
//!
//! Decides in this order whether the record counts, whether it deletes, what its key and its version
//! are, when it expires and what its fields hold.

use super::document::ParsedMessage;
use super::json::{JsonValue, Located};
use super::key::KeyScratch;
use super::limits::Limits;
use super::message::{Deletion, Message, Plucked, Rejected};
use super::record_key::RecordKey;
use super::sources::Sources;
use super::version;
use crate::record::{Draft, FieldsBuffer, KeyRef, Reject, TextKind, Value};

/// Scratch memory for one draft, reused for the next.
#[derive(Debug, Default)]
pub(super) struct DraftBuilder {
    key: KeyScratch,
    fields: FieldsScratch,
}

/// What was located in a message.
#[derive(Clone, Copy)]
pub(super) struct LocatedParts<'d> {
    /// The record key, if it is looked at as JSON.
    pub(super) record_key: Option<Result<Located<'d>, Reject>>,
    /// The payload, or why it cannot be read; empty if it is null or no source needs it.
    pub(super) document: Result<Located<'d>, Reject>,
}

impl DraftBuilder {
    /// Plucks a message.
    pub(super) fn build<'s>(
        &'s mut self,
        sources: &Sources,
        limits: Limits,
        message: &Message<'_>,
        parts: LocatedParts<'_>,
    ) -> Result<Plucked<'s>, Rejected<'s>> {
        let Self { key, fields } = self;
        let record = ParsedMessage {
            message,
            record_key: RecordKey::new(message.key, parts.record_key),
            document: parts.document.unwrap_or_default(),
        };
        match parts.document {
            Err(reason) => {
                let outdated = entry_of_unreadable(sources, limits, &record, key);
                Err(Rejected { reason, outdated })
            }
            Ok(_) if message.payload.is_none() => {
                Ok(Plucked::Deletion(entry_of_tombstone(sources, limits, &record, key)?))
            }
            Ok(_) => build_record(sources, limits, &record, key, fields),
        }
    }

    /// Scratch bytes held, apart from a few for each source.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.key.scratch_bytes() + self.fields.scratch_bytes()
    }
}

/// Plucks a message that has a payload.
fn build_record<'s>(
    sources: &Sources,
    limits: Limits,
    record: &ParsedMessage<'_, '_>,
    key: &'s mut KeyScratch,
    fields: &'s mut FieldsScratch,
) -> Result<Plucked<'s>, Rejected<'s>> {
    if !sources.filters.is_accepted(record)? {
        return Ok(Plucked::Filtered);
    }
    let is_deletion = sources.filters.is_deletion(record)?;
    let key = key.copy(sources.key.value(record)?, limits.max_key_bytes)?;
    let version = version_of(sources, record)?;
    let entry = Deletion { key, version };
    if is_deletion {
        return Ok(Plucked::Deletion(entry));
    }
    let draft = draft(sources, limits, record, key, fields);
    match draft {
        Ok(draft) => Ok(Plucked::Record(version.map_or(draft, |version| draft.ranked(version)))),
        Err(reason) => Err(Rejected { reason, outdated: Some(entry) }),
    }
}

fn version_of(sources: &Sources, record: &ParsedMessage<'_, '_>) -> Result<Option<i64>, Reject> {
    let Some(source) = &sources.version else { return Ok(None) };
    version::find(source, record)?.ok_or(Reject::MissingVersion).map(Some)
}

fn draft<'s>(
    sources: &Sources,
    limits: Limits,
    record: &ParsedMessage<'_, '_>,
    key: KeyRef<'s>,
    fields: &'s mut FieldsScratch,
) -> Result<Draft<'s>, Reject> {
    let (origin, expires_at) = (record.message.origin, sources.life.expiry(record)?);
    Ok(match fields.pack(sources, limits, record)? {
        Some(fields) => Draft::new(key, origin, expires_at, fields),
        None => Draft::oversized(key, origin, expires_at),
    })
}

/// The entry that a tombstone deletes. It needs no version.
fn entry_of_tombstone<'s>(
    sources: &Sources,
    limits: Limits,
    record: &ParsedMessage<'_, '_>,
    key: &'s mut KeyScratch,
) -> Result<Deletion<'s>, Reject> {
    let key = key.copy(sources.key.value_of_tombstone(record)?, limits.max_key_bytes)?;
    let version = sources.version.as_ref().map(|source| version::find(source, record));
    Ok(Deletion { key, version: version.transpose()?.flatten() })
}

/// The entry that a record would have replaced whose document cannot be read; none if the document
/// alone tells its key or its version, or whether the record counts.
fn entry_of_unreadable<'s>(
    sources: &Sources,
    limits: Limits,
    record: &ParsedMessage<'_, '_>,
    key: &'s mut KeyScratch,
) -> Option<Deletion<'s>> {
    if !sources.filters.is_accepted_without_document(record) {
        return None;
    }
    let version = version_of(sources, record).ok()?;
    let value = sources.key.value_without_document(record).ok()?;
    let key = key.copy(value, limits.max_key_bytes).ok()?;
    Some(Deletion { key, version })
}

#[derive(Debug, Default)]
struct FieldsScratch(FieldsBuffer);

impl FieldsScratch {
    /// Packs the values of a record in the order of the table's fields; `None` as soon as they
    /// are too large for an entry.
    fn pack(
        &mut self,
        sources: &Sources,
        limits: Limits,
        record: &ParsedMessage<'_, '_>,
    ) -> Result<Option<&FieldsBuffer>, Reject> {
        self.0.clear();
        self.reserve(sources, limits, record);
        for source in &sources.fields {
            let packed_bytes = self.0.fields().packed_bytes();
            let max_bytes = limits.max_values_bytes.saturating_sub(packed_bytes);
            if self.push(record.value(source)?, max_bytes).is_none() {
                return Ok(None);
            }
        }
        Ok(Some(&self.0))
    }

    /// Makes room for the values at once, and for no more than an entry may have. A buffer that grows
    /// by and by takes three times as much.
    fn reserve(&mut self, sources: &Sources, limits: Limits, record: &ParsedMessage<'_, '_>) {
        let text_bytes = sources.fields.iter().map(|source| record.max_text_bytes(source));
        let text_bytes = text_bytes.fold(0, usize::saturating_add);
        let overhead_bytes = sources.fields.len() * FieldsBuffer::MAX_OVERHEAD_BYTES;
        self.0.reserve(text_bytes.min(limits.max_values_bytes) + overhead_bytes);
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
            Some(JsonValue::Text(text)) => {
                let Some(plain) = text.as_plain() else {
                    let (kind, fields) = (TextKind::Text, &mut self.0);
                    return fields.push_written(kind, max_bytes, |to| text.write(to)).ok();
                };
                Some(Value::Text(within(plain, max_bytes)?))
            }
            Some(JsonValue::Container(container)) => {
                let (kind, fields) = (TextKind::Json, &mut self.0);
                return fields.push_written(kind, max_bytes, |to| container.write(to)).ok();
            }
        };
        self.0.push(value);
        Some(())
    }

    fn scratch_bytes(&self) -> usize {
        self.0.capacity()
    }
}

fn within(text: &str, max_bytes: usize) -> Option<&str> {
    (text.len() <= max_bytes).then_some(text)
}
