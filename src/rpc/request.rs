//! What every request is held to: its fields' rules, and tables that there are.

use std::sync::Arc;

use tonic::Status;
use tonic_types::FieldViolation;

use super::errors;
use crate::table::Table;

/// A request's faults are listed up to this many.
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

/// Fails with all violations at once.
pub(super) fn validate(
    violations: impl IntoIterator<Item = Option<FieldViolation>>,
) -> Result<(), Status> {
    let broken: Vec<_> = violations.into_iter().flatten().take(MAX_VIOLATIONS).collect();
    if broken.is_empty() { Ok(()) } else { Err(errors::invalid_request(broken)) }
}

/// The violation of a field that must not be empty.
pub(super) fn required(field: &str, text: &str) -> Option<FieldViolation> {
    text.is_empty().then(|| FieldViolation::new(field, "must not be empty"))
}
