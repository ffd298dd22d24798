//! Which records count for a table, and which of those delete: conditions on their values.
//!
//! Values are compared as JSON compares them. An absent value equals nothing.

use super::document::{CompiledSource, ParsedMessage};
use super::json::{JsonValue, Paths};
use crate::config::{Condition, Constant};
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
    equals: Constant,
}

impl Filters {
    pub(super) fn set_only_when(&mut self, conditions: &[Condition], paths: &mut Paths) {
        self.only_when = compile(conditions, paths);
    }

    pub(super) fn set_delete_when(&mut self, conditions: &[Condition], paths: &mut Paths) {
        self.delete_when = compile(conditions, paths);
    }

    /// The sources that are compared.
    pub(super) fn sources(&self) -> impl Iterator<Item = &CompiledSource> {
        self.only_when.iter().chain(&self.delete_when).map(|condition| &condition.source)
    }

    /// Whether a record counts for the table.
    pub(super) fn is_accepted(&self, record: &ParsedMessage<'_, '_>) -> Result<bool, Reject> {
        all_hold(&self.only_when, record)
    }

    /// Whether a record that counts deletes the entry of its key.
    pub(super) fn is_deletion(&self, record: &ParsedMessage<'_, '_>) -> Result<bool, Reject> {
        Ok(!self.delete_when.is_empty() && all_hold(&self.delete_when, record)?)
    }
}

fn compile(conditions: &[Condition], paths: &mut Paths) -> Box<[CompiledCondition]> {
    let compiled = conditions.iter().map(|condition| CompiledCondition {
        source: CompiledSource::new(&condition.source, paths),
        equals: condition.equals.clone(),
    });
    compiled.collect()
}

fn all_hold(
    conditions: &[CompiledCondition],
    record: &ParsedMessage<'_, '_>,
) -> Result<bool, Reject> {
    for CompiledCondition { source, equals } in conditions {
        if !record.value(source)?.is_some_and(|value| is_equal(value, equals)) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[expect(clippy::float_cmp, clippy::cast_precision_loss, reason = "JSON compares numbers exactly")]
fn is_equal(value: JsonValue<'_>, constant: &Constant) -> bool {
    match (value, constant) {
        (JsonValue::Text(text), Constant::Text(wanted)) => *text == **wanted,
        (JsonValue::Bool(bool), Constant::Bool(wanted)) => bool == *wanted,
        (JsonValue::Int(int), Constant::Int(wanted)) => int == *wanted,
        (JsonValue::Number(number), Constant::Int(wanted)) => number.double() == *wanted as f64,
        (JsonValue::Int(int), Constant::Double(wanted)) => int as f64 == *wanted,
        (JsonValue::Uint(uint), Constant::Double(wanted)) => uint as f64 == *wanted,
        (JsonValue::Number(number), Constant::Double(wanted)) => number.double() == *wanted,
        _ => false,
    }
}
