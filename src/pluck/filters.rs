//! Which records count for a table, and which of those delete: conditions on their values.
//!
//! Values are compared as JSON compares them. An absent value equals nothing.

use super::document::{CompiledSource, ParsedMessage, Pointers};
use super::json::JsonValue;
use crate::config::{Condition, Constant, Test};
use crate::record::Reject;

/// The compiled conditions of a table.
#[derive(Debug, Default)]
pub(super) struct Filters {
    only_when: Box<[CompiledCondition]>,
    delete_when: Box<[CompiledCondition]>,
}

#[derive(Debug)]
struct CompiledCondition {
    source: CompiledSource,
    test: Test,
}

impl Filters {
    pub(super) fn set_only_when(&mut self, conditions: &[Condition], pointers: &mut Pointers) {
        self.only_when = compile(conditions, pointers);
    }

    pub(super) fn set_delete_when(&mut self, conditions: &[Condition], pointers: &mut Pointers) {
        self.delete_when = compile(conditions, pointers);
    }

    /// The sources that are looked at.
    pub(super) fn sources(&self) -> impl Iterator<Item = &CompiledSource> {
        self.only_when.iter().chain(&self.delete_when).map(|condition| &condition.source)
    }

    /// Whether a record counts for the table.
    pub(super) fn is_accepted(&self, record: &ParsedMessage<'_, '_>) -> Result<bool, Reject> {
        all_hold(&self.only_when, record)
    }

    /// Whether a record whose document cannot be read counts for the table for certain.
    pub(super) fn is_accepted_without_document(&self, record: &ParsedMessage<'_, '_>) -> bool {
        self.only_when.iter().all(|condition| condition.source.is_outside_document())
            && self.is_accepted(record).is_ok_and(|is_accepted| is_accepted)
    }

    /// Whether a record that counts deletes the entry of its key.
    pub(super) fn is_deletion(&self, record: &ParsedMessage<'_, '_>) -> Result<bool, Reject> {
        Ok(!self.delete_when.is_empty() && all_hold(&self.delete_when, record)?)
    }
}

fn compile(conditions: &[Condition], pointers: &mut Pointers) -> Box<[CompiledCondition]> {
    let compiled = conditions.iter().map(|Condition { source, test }| CompiledCondition {
        source: CompiledSource::new(source, pointers),
        test: test.clone(),
    });
    compiled.collect()
}

fn all_hold(
    conditions: &[CompiledCondition],
    record: &ParsedMessage<'_, '_>,
) -> Result<bool, Reject> {
    for CompiledCondition { source, test } in conditions {
        if !holds(test, record.value(source)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds(test: &Test, value: Option<JsonValue<'_>>) -> bool {
    match (test, value) {
        (Test::OneOf(constants), Some(value)) => {
            constants.iter().any(|constant| is_equal(value, constant))
        }
        (Test::Null, Some(JsonValue::Null)) | (Test::Absent, None) => true,
        (Test::Present, Some(value)) => !matches!(value, JsonValue::Null),
        (Test::OneOf(_) | Test::Null | Test::Present, None)
        | (Test::Null | Test::Absent, Some(_)) => false,
    }
}

#[expect(clippy::float_cmp, clippy::cast_precision_loss, reason = "JSON compares numbers exactly")]
fn is_equal(value: JsonValue<'_>, constant: &Constant) -> bool {
    match (value, constant) {
        (JsonValue::Text(text), Constant::Text(wanted)) => text.is_equal(wanted),
        (JsonValue::Bool(bool), Constant::Bool(wanted)) => bool == *wanted,
        (JsonValue::Int(int), Constant::Int(wanted)) => int == *wanted,
        (JsonValue::Number(number), Constant::Int(wanted)) => number.double() == *wanted as f64,
        (JsonValue::Int(int), Constant::Double(wanted)) => int as f64 == *wanted,
        (JsonValue::Uint(uint), Constant::Double(wanted)) => uint as f64 == *wanted,
        (JsonValue::Number(number), Constant::Double(wanted)) => number.double() == *wanted,
        _ => false,
    }
}
