//! The checks of every request: the rules of its fields, and that its table exists.

use std::sync::Arc;

use tonic::Status;
use tonic_types::FieldViolation;

use super::errors;
use crate::table::Table;

/// The longest key that any table can hold: the most that `ingest.max_key` may be. Stated in the
/// protocol.
const MAX_KEY_BYTES: usize = 64 << 10;
/// An error lists at most this many violations.
const MAX_VIOLATIONS: usize = 10;

/// The tables by name. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Tables(Arc<[Arc<Table>]>);

impl Tables {
    pub(super) fn new(tables: Vec<Arc<Table>>) -> Self {
        Self(tables.into())
    }

    pub(super) fn find(&self, name: &str) -> Result<&Arc<Table>, Status> {
        self.0.iter().find(|table| table.name() == name).ok_or_else(|| {
            let names: Vec<_> = self.0.iter().map(|table| table.name()).collect();
            errors::table_not_found(name, &names)
        })
    }
}

/// Fails if there are violations, and lists them in one error.
pub(super) fn validate(
    violations: impl IntoIterator<Item = Option<FieldViolation>>,
) -> Result<(), Status> {
    let violations: Vec<_> = violations.into_iter().flatten().take(MAX_VIOLATIONS).collect();
    if violations.is_empty() { Ok(()) } else { Err(errors::invalid_request(violations)) }
}

/// The violation if a field is empty that must not be.
pub(super) fn required(field: &str, text: &str) -> Option<FieldViolation> {
    text.is_empty().then(|| FieldViolation::new(field, "must not be empty"))
}

/// The violation if a prefix is longer than any key can be.
pub(super) fn prefix(prefix: &str) -> Option<FieldViolation> {
    key(|| "prefix".into(), prefix).filter(|_| !prefix.is_empty())
}

/// The violation if a key is empty or longer than any can be. `field` makes the field's name only if
/// there is one, since a valid batch may have a thousand keys.
pub(super) fn key(field: impl FnOnce() -> String, key: &str) -> Option<FieldViolation> {
    if key.len() > MAX_KEY_BYTES {
        let rule = format!("must have at most {MAX_KEY_BYTES} bytes, and has {}", key.len());
        return Some(FieldViolation::new(field(), rule));
    }
    key.is_empty().then(|| FieldViolation::new(field(), "must not be empty"))
}
