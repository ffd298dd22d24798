//! What a caller demands of a table before it answers.

use tonic::Status;

use super::errors;

/// The demands of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demands {
    /// That the table has caught up.
    pub(super) require_ready: bool,
}

impl Demands {
    /// Fails where the table of that name does not meet them.
    pub(super) fn check(self, table: &str, is_ready: bool) -> Result<(), Status> {
        if self.require_ready && !is_ready {
            return Err(errors::table_loading(table));
        }
        Ok(())
    }
}
