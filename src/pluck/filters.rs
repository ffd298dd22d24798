//! Which records count for a table, and which of them delete: those in which parts equal
//! constants.
//!
//! Compared as JSON compares. What is not there equals nothing, and what comes from outside
//! the document is text.

use simd_json::{Node, StaticNode};

use super::assembly::View;
use super::paths::Paths;
use super::sources::Place;
use crate::config::{Condition, Constant};
use crate::record::Reject;

/// The compiled conditions of a table.
#[derive(Debug, Default)]
pub(super) struct Filters {
    only_when: Box<[Test]>,
    delete_when: Box<[Test]>,
}

#[derive(Debug)]
struct Test {
    place: Place,
    equals: Constant,
}

impl Filters {
    pub(super) fn add_only_when(&mut self, conditions: &[Condition], paths: &mut Paths) {
        self.only_when = conditions.iter().map(|each| Test::compile(each, paths)).collect();
    }

    pub(super) fn add_delete_when(&mut self, conditions: &[Condition], paths: &mut Paths) {
        self.delete_when = conditions.iter().map(|each| Test::compile(each, paths)).collect();
    }

    /// What is compared.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.only_when.iter().chain(&self.delete_when).map(|test| &test.place)
    }

    /// Whether a record counts.
    pub(super) fn count(&self, record: &View<'_, '_, '_>) -> Result<bool, Reject> {
        all_hold(&self.only_when, record)
    }

    /// Whether a record that counts deletes the entry of its key.
    pub(super) fn delete(&self, record: &View<'_, '_, '_>) -> Result<bool, Reject> {
        Ok(!self.delete_when.is_empty() && all_hold(&self.delete_when, record)?)
    }
}

fn all_hold(tests: &[Test], record: &View<'_, '_, '_>) -> Result<bool, Reject> {
    for test in tests {
        if !test.holds(record)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Test {
    fn compile(condition: &Condition, paths: &mut Paths) -> Self {
        let place = Place::of(&condition.source, paths);
        Self { place, equals: condition.equals.clone() }
    }

    fn holds(&self, record: &View<'_, '_, '_>) -> Result<bool, Reject> {
        Ok(match &self.place {
            Place::Envelope(part) => {
                let text = record.text(part)?;
                matches!((text, &self.equals), (Some(text), Constant::Text(wanted)) if text == &**wanted)
            }
            Place::Document(path) => record.node(*path).is_some_and(|node| self.equals(node)),
        })
    }

    fn equals(&self, node: &Node<'_>) -> bool {
        match (&self.equals, node) {
            (Constant::Text(wanted), Node::String(text)) => *text == &**wanted,
            (Constant::Bool(wanted), Node::Static(StaticNode::Bool(found))) => wanted == found,
            (Constant::Int(wanted), Node::Static(number)) => is_int(*number, *wanted),
            (Constant::Double(wanted), Node::Static(number)) => is_double(*number, *wanted),
            _ => false,
        }
    }
}

#[expect(clippy::float_cmp, reason = "equal is what is asked for")]
fn is_int(found: StaticNode, wanted: i64) -> bool {
    match found {
        StaticNode::I64(int) => int == wanted,
        StaticNode::U64(uint) => i64::try_from(uint) == Ok(wanted),
        StaticNode::F64(double) => double == rounded(wanted),
        StaticNode::Null | StaticNode::Bool(_) => false,
    }
}

#[expect(clippy::float_cmp, clippy::cast_precision_loss, reason = "equal is what is asked for")]
fn is_double(found: StaticNode, wanted: f64) -> bool {
    match found {
        StaticNode::I64(int) => rounded(int) == wanted,
        StaticNode::U64(uint) => uint as f64 == wanted,
        StaticNode::F64(double) => double == wanted,
        StaticNode::Null | StaticNode::Bool(_) => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "the double was rounded when it was read too")]
fn rounded(int: i64) -> f64 {
    int as f64
}
